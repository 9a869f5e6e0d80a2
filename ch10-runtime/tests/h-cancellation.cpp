// The suite of ch10/h-cancellation.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stop_token>
#include <system_error>
#include <thread>

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)

#define TASKS_ARE_GIVEN
#define REACTOR_IS_GIVEN
#include "tasks.hpp"
#undef REACTOR_IS_GIVEN  // sleeps and sockets hear of a stop by what is written here
#include "cancel.hpp"
#include "combinator_cases.hpp"
#include "group.hpp"
#include "narrate/narrate.hpp"
#include "net/tcp_listener.hpp"
#include "rethrown.hpp"

namespace {

using Log = std::vector<std::string>;

// As run_body(), but if the body throws, all is dropped at once: what it has spawned may use its
// locals.
template <class Body>
void run_case(Body body) {
  auto watched = [](Task<> task) -> Task<> {
    std::exception_ptr error;
    try {
      co_await std::move(task);
    } catch (...) {
      error = std::current_exception();
    }
    if (!error) co_return;
    Rethrown end = rethrown(std::move(error));
    co_await end;
  };
  run_to_the_end(watched(body()));
}

// Awaits it, and says how it has ended.
template <class T>
Task<std::string> ending_of(Task<T> task) {
  try {
    (void)co_await std::move(task);
    co_return "ended";
  } catch (const Cancelled&) {
    co_return "cancelled";
  } catch (const std::system_error& error) {
    co_return error.code() == std::errc::timed_out ? "late" : error.what();
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
}
// The same of a task with this token.
Task<std::string> ending_of(std::stop_token token, Task<> task) {
  auto with = [](std::stop_token its, Task<> work) -> Task<> {
    co_await with_token(std::move(its), std::move(work));
  };
  return ending_of(with(std::move(token), std::move(task)));
}

// A wait that only a stop ends. (What no stop reaches ends after a while, and does not hang.)
Task<> forever() {
  Counted local;
  co_await sleep_for(testing::patience_with_stages() / 2);
  throw std::runtime_error("nobody has stopped it");
}

Task<> nothing() { co_return; }

// `co_await others()`: every task that is ready has its turn.
Task<> others() { co_await spawn(nothing()); }

// Blocks the thread until a coroutine can go on, and lets none.
void until_somebody_is_ready() {
  ReadyQueue& queue = Executor::current().ready();
  while (true) {
    if (std::coroutine_handle<> handle = queue.pop()) return queue.push(handle);
    queue.wait();
  }
}

// Blocks the thread until the reactor has handled all that has happened before, without a turn for
// anybody: it hands on events in their order, and deadlines, too.
void until_the_reactor_has_seen_all(Clock::time_point deadline = never) {
  Source source;
  ReadyQueue queue;
  Registration registration = deadline == never ? Reactor::current().add(source.fd(), "source")
                                                : Reactor::current().add_timer();
  REQUIRE(registration.wait(std::noop_coroutine(), queue, deadline));
  if (deadline == never) source.make_ready();
  while (!queue.pop()) queue.wait();
}

// A leaf of the suite. It goes on when it is told to, or when it is stopped, and counts the calls
// of what it has given to its StopWatch.
class Leaf {
 public:
  void go_on() {
    if (void* handle = waiting_.exchange(nullptr))
      queue_->push(std::coroutine_handle<>::from_address(handle));
  }
  [[nodiscard]] int wakes() const { return wakes_; }
  int resumed = 0;

  class Awaiter {
   public:
    explicit Awaiter(Leaf& leaf) : leaf_(leaf) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) {
      leaf_.queue_ = &Executor::current().ready();
      leaf_.waiting_ = handle.address();
      leaf_.stop_.begin(handle, Wake{&leaf_});
    }
    void await_resume() {
      leaf_.stop_.end();
      ++leaf_.resumed;
      leaf_.stop_.throw_if_stopped();
    }

   private:
    Leaf& leaf_;
  };
  Awaiter operator co_await() { return Awaiter(*this); }

 private:
  struct Wake {
    Leaf* leaf;
    void operator()() const {
      ++leaf->wakes_;
      leaf->go_on();
    }
  };

  ReadyQueue* queue_ = nullptr;
  std::atomic<void*> waiting_ = nullptr;
  std::atomic<int> wakes_ = 0;
  StopWatch<Wake> stop_;  // longer than the wait: so a late call is seen
};

// Waits for the source, and no stop ends that.
Task<> stubborn(Source& source) {
  Counted local;
  Registration registration = Reactor::current().add(source.fd(), "source");
  co_await UntilReady(registration);
}

// An address where nobody answers: it listens, but with room for one connection that waits to be
// accepted, and that place is taken.
class SilentPeer {
 public:
  SilentPeer() {
    REQUIRE(::listen(listener_.fd().get(), 0) == 0);  // again, with less room
    taken_.emplace(net::TcpStream::connect(address()));
    pollfd waiting{listener_.fd().get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
  }
  [[nodiscard]] net::Address address() const { return listener_.address(); }

 private:
  net::TcpListener listener_ = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  std::optional<net::TcpStream> taken_;
};

}  // namespace

// -- A stop, and a leaf ---------------------------------------------------------------------------

TEST_CASE("a stop reaches the leaf, however deep, and what lies between is destroyed on the way") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source source;
    std::function<Task<>(int)> level = [&](int depth) -> Task<> {
      Counted local;
      if (depth == 0)
        co_await forever();
      else
        co_await level(depth - 1);
    };
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), level(20)));
    co_await others();  // it waits by now
    CHECK(Counted::alive == 22);
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("a token is inherited by child and grandchild; what is spawned has none") {
  run_case([&]() -> Task<> {
    std::stop_source source;
    bool spawned_has_none = false;
    auto spawned = [&]() -> Task<> { spawned_has_none = !(co_await stop_token()).stop_possible(); };
    auto grandchild = [&]() -> Task<> {
      CHECK(co_await stop_token() == source.get_token());
      co_await spawn(spawned());
    };
    auto child = [&]() -> Task<> {
      co_await grandchild();
      CHECK(co_await stop_token() == source.get_token());
    };
    CHECK(co_await ending_of(source.get_token(), child()) == "ended");
    CHECK(spawned_has_none);
    CHECK_FALSE((co_await stop_token()).stop_possible());  // whoever gives it has it not
  });
}

TEST_CASE("stopped before the start: it runs up to its first wait, and that ends at once") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source source;
    source.request_stop();
    int steps = 0;
    Leaf leaf;
    auto works = [&]() -> Task<> {
      ++steps;
      co_await nothing();  // no wait
      ++steps;
      co_await leaf;
      ++steps;
    };
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), works()));
    co_await others();
    co_await others();
    CHECK(leaf.wakes() == 1);
    leaf.go_on();  // else it would wait for ever
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(steps == 2);
    CHECK(co_await ending_of(source.get_token(), forever()) == "cancelled");
  });
}

TEST_CASE("stopped while it waits: it is woken once, however often one asks, and then it throws") {
  run_case([&]() -> Task<> {
    std::stop_source source;
    Leaf leaf;
    auto works = [&]() -> Task<> { co_await leaf; };
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), works()));
    co_await others();
    CHECK(leaf.wakes() == 0);
    source.request_stop();
    source.request_stop();
    CHECK(leaf.wakes() == 1);
    CHECK(leaf.resumed == 0);  // not inside of request_stop()
    leaf.go_on();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(leaf.resumed == 1);
  });
}

TEST_CASE("a wait that is over hears of no stop: neither while its task goes on nor afterwards") {
  run_case([&]() -> Task<> {
    for (bool goes_on : {true, false}) {
      std::stop_source source;
      Leaf leaf;  // lives longer than the wait
      bool wait_is_over = false;
      auto works = [&]() -> Task<> {
        co_await leaf;
        wait_is_over = true;
        if (goes_on) {
          source.request_stop();
          CHECK(leaf.wakes() == 0);
        }
      };
      JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), works()));
      co_await others();
      leaf.go_on();
      CHECK(co_await std::move(ending) == "ended");
      CHECK(wait_is_over);
      source.request_stop();
      CHECK(leaf.wakes() == 0);
    }
  });
}

TEST_CASE("without a token, or with one that nobody uses, a leaf waits as ever") {
  run_case([&]() -> Task<> {
    std::stop_source unused;
    for (const std::stop_token& token : {std::stop_token(), unused.get_token()}) {
      Leaf leaf;
      auto works = [&]() -> Task<> { co_await leaf; };
      JoinHandle<std::string> ending = spawn(ending_of(token, works()));
      co_await others();
      CHECK(leaf.resumed == 0);
      leaf.go_on();
      CHECK(co_await std::move(ending) == "ended");
      CHECK(leaf.wakes() == 0);
    }
  });
}

TEST_CASE("stopped by another thread: woken there, and resumed here") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::thread::id here = std::this_thread::get_id(), resumed_on;
    std::stop_source source;
    auto works = [&]() -> Task<> {
      bool stopped = false;
      try {
        co_await forever();
      } catch (const Cancelled&) {
        stopped = true;
      }
      resumed_on = std::this_thread::get_id();
      if (stopped) throw Cancelled();
    };
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), works()));
    co_await others();
    std::thread([&] { source.request_stop(); }).join();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(resumed_on == here);
  });
}

TEST_CASE("end() waits for a wake that another thread is in: it needs what the leaf owns") {
  std::atomic<bool> in_wake = false, ending = false, returned = false, wake_is_over = false;
  std::atomic<bool> asked = false;
  pid_t here = ::gettid();
  auto wake = [&] {
    in_wake = true;
    while (!ending) std::this_thread::yield();
    CHECK(testing::eventually([&] { return returned || testing::sleeps(here); }));
    wake_is_over = true;
  };
  StopWatch<decltype(wake)> watch;
  std::stop_source source;
  // Of the promise of whoever waits a StopWatch needs the token.
  Task<> task = nothing();
  task.handle().promise().stop = source.get_token();
  watch.begin(task.handle(), wake);
  std::jthread other([&] {
    source.request_stop();
    asked = true;
  });
  while (!in_wake && !asked) std::this_thread::yield();  // awake: until it waits in end()
  CHECK(in_wake);
  ending = true;
  watch.end();
  CHECK(wake_is_over);
  returned = true;
  other.join();
  CHECK_THROWS_AS(watch.throw_if_stopped(), Cancelled);
}

TEST_CASE(
    "stopped from another thread, at any moment: cancelled or ended, and never both or none") {
  Reactor reactor;
  for (int i = 0; i < 200; ++i) {
    run_case([&]() -> Task<> {
      std::stop_source source;
      auto brief = []() -> Task<> { co_await sleep_for(1ms); };
      Clock::time_point then = Clock::now() + i * 10us;
      std::jthread other([&] {
        while (Clock::now() < then) std::this_thread::yield();
        source.request_stop();
      });
      std::string how = co_await ending_of(source.get_token(), brief());
      other.join();
      bool either = how == "cancelled" || how == "ended";
      CHECK(either);
    });
  }
}

// -- A stop that meets something else -------------------------------------------------------------

TEST_CASE("an event, and then a stop before the task goes on: cancelled, and nothing is lost") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  Reactor reactor;
  run_case([&]() -> Task<> {
    Socket socket = co_await Socket::connect(listener.address(), "socket");
    net::TcpStream other = listener.accept().value();
    std::array<char, 16> buffer;
    int reads = 0;
    auto read = [&]() -> Task<> {
      (void)co_await socket.read(buffer);
      ++reads;
    };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), read()));
    co_await others();  // it waits by now
    other.write_all("data");
    until_somebody_is_ready();  // the reader, by the event
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(reads == 0);
    CHECK(co_await socket.read(buffer) == 4);
    // What the stop has left behind wakes the next wait at most for nothing.
    JoinHandle<std::string> next = spawn(ending_of(read()));
    co_await others();
    co_await others();
    CHECK(reads == 0);
    other.write_all("more");
    CHECK(co_await std::move(next) == "ended");
  });
}

TEST_CASE("a stop, and then an event before the task goes on: cancelled, and nothing is lost") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  Reactor reactor;
  run_case([&]() -> Task<> {
    Socket socket = co_await Socket::connect(listener.address(), "socket");
    net::TcpStream other = listener.accept().value();
    std::array<char, 16> buffer;
    auto read = [&]() -> Task<> { (void)co_await socket.read(buffer); };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), read()));
    co_await others();  // it waits by now
    source.request_stop();
    other.write_all("data");
    until_the_reactor_has_seen_all();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(co_await socket.read(buffer) == 4);
  });
}

TEST_CASE("a deadline, and then a stop before the task goes on: it goes on once, cancelled") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    int resumed = 0;
    auto brief = [&]() -> Task<> {
      struct Count {
        int& of;
        ~Count() { ++of; }
      } count{resumed};
      co_await sleep_for(1ms);
    };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), brief()));
    co_await others();          // it waits by now
    until_somebody_is_ready();  // it, by its deadline
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    co_await others();
    CHECK(resumed == 1);
  });
}

TEST_CASE("a stop, and then a deadline before the task goes on: it goes on once, cancelled") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    Clock::time_point deadline = Clock::now() + 20ms;
    auto brief = [&]() -> Task<> { co_await sleep_until(deadline); };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), brief()));
    co_await others();  // it waits by now
    source.request_stop();
    until_the_reactor_has_seen_all(deadline);
    CHECK(co_await std::move(ending) == "cancelled");
    co_await others();
  });
}

TEST_CASE("a wait for a join handle can be stopped; the task goes on, and its error is not lost") {
  Source source;
  Reactor reactor;
  auto fails_later = [&]() -> Task<int> {
    co_await stubborn(source);
    co_return co_await thrown("late");
  };
  std::string how;
  auto body = [&]() -> Task<> {
    JoinHandle<int> handle = spawn(fails_later());
    std::stop_source stop;
    auto waits = [&]() -> Task<> { (void)co_await std::move(handle); };
    JoinHandle<std::string> ending = spawn(ending_of(stop.get_token(), waits()));
    co_await others();
    stop.request_stop();
    co_await others();
    source.make_ready();  // not before
    how = co_await std::move(ending);
  };
  CHECK_THROWS_WITH_AS(run_case(body), "late", std::runtime_error);
  CHECK(how == "cancelled");
}

// -- Another token --------------------------------------------------------------------------------

TEST_CASE("cleaning up may wait while the task is stopped: its token is put aside, also below") {
  Source source;
  Reactor reactor;
  run_case([&]() -> Task<> {
    bool cleaned = false;
    auto below = [&]() -> Task<> {
      co_await sleep_for(1ms);
      co_await stubborn(source);
    };
    auto clean_up = [&]() -> Task<> {
      co_await sleep_for(1ms);
      co_await below();
      co_await spawn(nothing());
      cleaned = true;
    };
    auto works = [&]() -> Task<> {
      bool stopped = false;
      try {
        co_await forever();
      } catch (const Cancelled&) {
        stopped = true;  // (there is no co_await in a handler)
      }
      if (stopped) co_await with_token(std::stop_token(), clean_up());
    };
    std::stop_source stop;
    JoinHandle<std::string> ending = spawn(ending_of(stop.get_token(), works()));
    co_await others();
    stop.request_stop();
    co_await others();
    CHECK_FALSE(cleaned);
    source.make_ready();
    CHECK(co_await std::move(ending) == "ended");
    CHECK(cleaned);
  });
}

TEST_CASE("with_token() is for the one task: whoever awaits it keeps their own token") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source outer, inner;
    bool after = false;
    auto works = [&]() -> Task<> {
      CHECK(co_await ending_of(inner.get_token(), forever()) == "cancelled");  // by the inner one
      auto has_it = [&]() -> Task<int> {
        CHECK(co_await stop_token() == inner.get_token());
        co_return 7;
      };
      CHECK(co_await with_token(inner.get_token(), has_it()) == 7);  // it does not wait
      CHECK(co_await stop_token() == outer.get_token());
      after = true;
      co_await forever();
    };
    JoinHandle<std::string> ending = spawn(ending_of(outer.get_token(), works()));
    co_await others();
    CHECK_FALSE(after);
    inner.request_stop();
    co_await others();
    co_await others();
    CHECK(after);
    outer.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
  });
}

TEST_CASE("with_token(): a stop of the one that was put aside does not reach the task") {
  Source source;
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source outer, inner;
    Leaf leaf;
    auto works = [&]() -> Task<> { co_await leaf; };
    auto with_inner = [&]() -> Task<> { co_await with_token(inner.get_token(), works()); };
    JoinHandle<std::string> ending = spawn(ending_of(outer.get_token(), with_inner()));
    co_await others();
    outer.request_stop();
    co_await others();
    CHECK(leaf.wakes() == 0);
    CHECK(leaf.resumed == 0);
    leaf.go_on();
    CHECK(co_await std::move(ending) == "ended");
  });
}

// -- Groups ---------------------------------------------------------------------------------------

TEST_CASE("a group ends when its body and all children have ended, and not before") {
  run_case([&]() -> Task<> {
    Leaf first, second, of_body;
    bool over = false;
    auto waits = [&](Leaf& leaf) -> Task<> {
      Counted local;
      co_await leaf;
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(waits(first));
      group.spawn(waits(second));
      CHECK(Counted::alive == 0);  // they begin in their turn
      co_await of_body;
    };
    auto group = [&]() -> Task<> {
      co_await with_group(body);
      over = true;
    };
    JoinHandle<std::string> ending = spawn(ending_of(group()));
    co_await others();
    co_await others();
    CHECK(Counted::alive == 2);
    for (Leaf* leaf : {&of_body, &first, &second}) {
      CHECK_FALSE(over);
      if (over) break;
      leaf->go_on();
      co_await others();
      co_await others();
    }
    CHECK(over);
    CHECK(co_await std::move(ending) == "ended");
  });
}

TEST_CASE("a group without children, and one whose children end before the body does") {
  run_case([&]() -> Task<> {
    auto empty = [](TaskGroup&) -> Task<> { co_return; };
    CHECK(co_await ending_of(with_group(empty)) == "ended");
    int ended = 0;
    auto child = [&]() -> Task<> {
      ++ended;
      co_return;
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      for (int i = 1; i <= 3; ++i) {
        group.spawn(child());
        co_await others();
        CHECK(ended == i);
      }
    };
    CHECK(co_await ending_of(with_group(body)) == "ended");
  });
}

TEST_CASE("a child's frame goes when it has ended, and not with its group") {
  run_case([&]() -> Task<> {
    auto child = [](Counted) -> Task<> { co_return; };
    auto body = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 1000; ++i) {
        group.spawn(child(Counted()));
        co_await others();
        co_await others();
        CHECK(Counted::alive == 0);
      }
    };
    CHECK(co_await ending_of(with_group(body)) == "ended");
  });
}

TEST_CASE("a child may spawn into its group; request_stop() ends all; a stop from outside, too") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    int begun = 0;
    std::function<Task<>(TaskGroup&, int)> child = [&](TaskGroup& group, int depth) -> Task<> {
      Counted local;
      ++begun;
      if (depth > 0) group.spawn(child(group, depth - 1));
      co_await forever();
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(child(group, 10));
      co_await sleep_for(2ms);
      group.request_stop();
    };
    CHECK(co_await ending_of(with_group(body)) == "cancelled");
    CHECK(begun == 11);
    CHECK(Counted::alive == 0);

    auto endless = [&](TaskGroup& group) -> Task<> {
      group.spawn(child(group, 3));
      co_await forever();
    };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), with_group(endless)));
    for (int i = 0; i < 5; ++i) co_await others();
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(begun == 15);
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("what a child leaves behind may spawn into the group when it is destroyed") {
  run_case([&]() -> Task<> {
    int last_words = 0;
    auto says = [&]() -> Task<> {
      ++last_words;
      co_return;
    };
    struct Goodbye {
      std::function<void()> say;
      explicit Goodbye(std::function<void()> its) : say(std::move(its)) {}
      Goodbye(Goodbye&& other) noexcept : say(std::exchange(other.say, nullptr)) {}
      ~Goodbye() {
        if (say) say();
      }
    };
    auto child = [](Goodbye) -> Task<> { co_return; };  // a parameter goes with the frame
    for (int children : {1, 3}) {
      auto body = [&](TaskGroup& group) -> Task<> {
        for (int i = 0; i < children; ++i)
          group.spawn(child(Goodbye([&] { group.spawn(says()); })));
        co_return;
      };
      last_words = 0;
      CHECK(co_await ending_of(with_group(body)) == "ended");
      CHECK(last_words == children);
    }
  });
}

TEST_CASE("request_stop() reaches the body, too; who ends all the same has not been cancelled") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    auto waits = [](TaskGroup& group) -> Task<> {
      group.request_stop();
      co_await forever();
    };
    CHECK(co_await ending_of(with_group(waits)) == "cancelled");
    auto ends = [](TaskGroup& group) -> Task<> {
      group.spawn(nothing());
      group.request_stop();
      co_return;
    };
    CHECK(co_await ending_of(with_group(ends)) == "ended");
  });
}

TEST_CASE("what is spawned into a stopped group begins, and is cancelled at its first wait") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    int begun = 0;
    auto child = [&]() -> Task<> {
      ++begun;
      co_await forever();
      ++begun;
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.request_stop();
      group.spawn(child());
      co_return;
    };
    CHECK(co_await ending_of(with_group(body)) == "cancelled");
    CHECK(begun == 1);
    std::stop_source source;
    source.request_stop();
    auto whole = [&](TaskGroup& group) -> Task<> {
      group.spawn(child());
      co_return;
    };
    CHECK(co_await ending_of(source.get_token(), with_group(whole)) == "cancelled");
    CHECK(begun == 2);
  });
}

TEST_CASE("a child that ignores the stop holds its group: its body, a stop and errors all wait") {
  Source source;
  Reactor reactor;
  run_case([&]() -> Task<> {
    bool over = false;
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(stubborn(source));
      group.spawn(failing("child"));
      co_await others();
      throw std::runtime_error("body");
    };
    auto group = [&]() -> Task<> {
      std::string how = co_await ending_of(with_group(body));
      over = true;
      if (how != "child") throw std::runtime_error(how);
    };
    std::stop_source stop;
    JoinHandle<std::string> ending = spawn(ending_of(stop.get_token(), group()));
    for (int i = 0; i < 4; ++i) co_await others();
    stop.request_stop();
    for (int i = 0; i < 4; ++i) co_await others();
    CHECK_FALSE(over);
    CHECK(Counted::alive == 1);
    source.make_ready();
    CHECK(co_await std::move(ending) == "ended");
  });
}

TEST_CASE("an error of one child stops its siblings and the body, and comes out once") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    Log log;
    auto waits = [&](std::string name) -> Task<> {
      Counted local;
      log.push_back(name + " " + co_await ending_of(forever()));
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(waits("before"));
      group.spawn(failing("child"));
      group.spawn(waits("after"));
      co_await waits("body");
    };
    CHECK(co_await ending_of(with_group(body)) == "child");
    CHECK(Counted::alive == 0);
    std::sort(log.begin(), log.end());
    CHECK(log == Log{"after cancelled", "before cancelled", "body cancelled"});
  });  // and not out of run()
}

TEST_CASE("two children fail: the first error comes out, and the second one is narrated") {
  testing::TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "trace.json";
  narrate::trace_to(file);
  run_case([&]() -> Task<> {
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(failing("the first"));
      group.spawn(failing("the second"));
      co_await others();
      throw std::runtime_error("the third");
    };
    CHECK(co_await ending_of(with_group(body)) == "the first");
  });
  narrate::finish_trace();
  std::stringstream trace;
  trace << std::ifstream(file).rdbuf();
  for (const char* lost : {"the second", "the third"}) {
    CAPTURE(lost);
    bool narrated = trace.str().find(lost) != std::string::npos;
    CHECK(narrated);
  }
}

TEST_CASE("an error while others only stop is not lost behind their Cancelled") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    auto cleans_up_badly = []() -> Task<> {
      (void)co_await ending_of(forever());
      co_await nothing();
      throw std::runtime_error("cannot clean up");
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(forever());
      group.spawn(cleans_up_badly());
      group.spawn(forever());
      co_await others();
      group.request_stop();
    };
    CHECK(co_await ending_of(with_group(body)) == "cannot clean up");
    auto late = [&](TaskGroup& group) -> Task<> {
      group.spawn(cleans_up_badly());
      co_await forever();
    };
    CHECK(co_await ending_of(with_timeout(1ms, with_group(late))) == "cannot clean up");
  });
}

TEST_CASE("a child that cleans up, and waits for that, holds its group as long as it takes") {
  Source source;
  Reactor reactor;
  run_case([&]() -> Task<> {
    Log log;
    auto clean_up = [&]() -> Task<> {
      co_await sleep_for(1ms);
      co_await stubborn(source);
      log.push_back("cleaned");
    };
    auto child = [&]() -> Task<> {
      std::string how = co_await ending_of(forever());
      co_await with_token(std::stop_token(), clean_up());
      if (how == "cancelled") throw Cancelled();
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(child());
      co_await others();
      throw std::runtime_error("body");
    };
    auto group = [&]() -> Task<> { log.push_back(co_await ending_of(with_group(body))); };
    JoinHandle<void> ending = spawn(group());
    co_await sleep_for(2ms);
    source.make_ready();
    co_await std::move(ending);
    CHECK(log == Log{"cleaned", "body"});
  });
}

TEST_CASE("a group inside a group: an error that is caught between them stops the inner one only") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    Leaf outer_child;
    auto waits = [&]() -> Task<> { co_await outer_child; };
    auto inner = [&](TaskGroup& group) -> Task<> {
      group.spawn(forever());
      group.spawn(failing("inner"));
      co_return;
    };
    auto outer = [&](TaskGroup& group) -> Task<> {
      group.spawn(waits());
      CHECK(co_await ending_of(with_group(inner)) == "inner");
      CHECK(outer_child.wakes() == 0);
      CHECK_FALSE((co_await stop_token()).stop_requested());
      outer_child.go_on();
    };
    CHECK(co_await ending_of(with_group(outer)) == "ended");
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("a group inside a group: a stop or an error outside reaches the inner one's children") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    auto inner = [&](TaskGroup& group) -> Task<> {
      group.spawn(forever());
      group.spawn(forever());
      co_return;
    };
    for (bool fails : {true, false}) {
      Leaf until_then;
      auto child = [&]() -> Task<> {
        co_await until_then;
        if (fails) throw std::runtime_error("outer");
      };
      auto outer = [&](TaskGroup& group) -> Task<> {
        group.spawn(child());
        group.spawn(with_group(inner));
        co_await with_group(inner);
      };
      std::stop_source source;
      JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), with_group(outer)));
      for (int i = 0; i < 4; ++i) co_await others();
      CHECK(Counted::alive == 4);
      until_then.go_on();
      if (!fails) source.request_stop();
      CHECK(co_await std::move(ending) == (fails ? "outer" : "cancelled"));
      CHECK(Counted::alive == 0);
    }
  });
}

TEST_CASE("the body throws: its children clean up before it comes out") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    int cleaned = 0;
    auto child = [&]() -> Task<> {
      (void)co_await ending_of(forever());
      co_await with_token(std::stop_token(), others());
      ++cleaned;
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(child());
      co_await others();
      throw std::runtime_error("body");
    };
    CHECK(co_await ending_of(with_group(body)) == "body");
    CHECK(cleaned == 1);
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE(
    "the body throws before there is a task of it: the children have their turn all the same") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    int begun = 0;
    auto child = [&]() -> Task<> {
      ++begun;
      co_await forever();
    };
    auto body = [&](TaskGroup& group) -> Task<> {  // no coroutine
      group.spawn(child());
      throw std::runtime_error("body");
    };
    CHECK(co_await ending_of(with_group(body)) == "body");
    CHECK(begun == 1);
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("a group that is dropped drops its children, and a stop or an event finds nobody") {
  Source source;
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source stop;
    auto inner = [&](TaskGroup& group) -> Task<> {
      Counted local;
      group.spawn(stubborn(source));
      co_await forever();
    };
    auto outer = [&](TaskGroup& group) -> Task<> {
      Counted local;
      group.spawn(with_group(inner));
      group.spawn(forever());
      co_await others();
    };
    {
      Task<> task = with_group(outer);
      task.handle().promise().stop = stop.get_token();
      run(task.handle());
      for (int i = 0; i < 4; ++i) co_await others();
      CHECK(Counted::alive == 4);  // the outer body has ended, and all wait
    }
    CHECK(Counted::alive == 0);
    stop.request_stop();
    source.make_ready();
    until_the_reactor_has_seen_all();
    co_await others();
  });
}

// -- A limit --------------------------------------------------------------------------------------

TEST_CASE("with_timeout(): in time, too late, an error, stopped from outside; of nothing, too") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    CHECK(co_await with_timeout(10s, value_of(5)) == 5);
    CHECK(co_await with_timeout(10s, later(6, 1ms)) == 6);
    CHECK(co_await with_timeout(-1s, value_of(7)) == 7);  // it has never waited
    CHECK(co_await ending_of(with_timeout(2ms, forever())) == "late");
    CHECK(Counted::alive == 0);
    CHECK(co_await ending_of(with_timeout(10s, thrown("wrong"))) == "wrong");
    CHECK(co_await ending_of(with_timeout(10s, nothing())) == "ended");
    auto pointer = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
    std::unique_ptr<int> eight = co_await with_timeout(10s, pointer());
    CHECK(*eight == 8);
    std::stop_source source;
    JoinHandle<std::string> ending =
        spawn(ending_of(source.get_token(), with_timeout(10s, forever())));
    co_await others();
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(co_await ending_of(source.get_token(), with_timeout(10s, forever())) == "cancelled");
  });
}

TEST_CASE(
    "with_timeout(): the task ends after it was stopped, with a result or an error of its own") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    auto ends_when_stopped = [](std::string with) -> Task<int> {
      CHECK(co_await ending_of(forever()) == "cancelled");
      co_return co_await thrown(with);
    };
    CHECK(co_await with_timeout(1ms, ends_when_stopped("")) == 0);
    CHECK(co_await ending_of(with_timeout(1ms, ends_when_stopped("too late"))) == "too late");
  });
}

TEST_CASE("with_timeout(): a task that is cancelled by somebody else is not late") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source own;
    own.request_stop();
    auto stops_itself = [&]() -> Task<> { co_await with_token(own.get_token(), forever()); };
    CHECK(co_await ending_of(with_timeout(10s, stops_itself())) == "cancelled");
  });
}

TEST_CASE("with_timeout() inside of with_timeout(): the shorter one ends it, whichever that is") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    bool inner_was_late = false;
    auto inner = [&](Clock::duration time) -> Task<> {
      std::string how = co_await ending_of(with_timeout(time, forever()));
      inner_was_late = how == "late";
      if (how == "cancelled") throw Cancelled();
    };
    CHECK(co_await ending_of(with_timeout(10s, inner(1ms))) == "ended");
    CHECK(inner_was_late);
    CHECK(co_await ending_of(with_timeout(1ms, inner(10s))) == "late");
    CHECK_FALSE(inner_was_late);
  });
}

TEST_CASE("a limit that passes, and then a stop from outside: one of both comes out, and once") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::stop_source source;
    JoinHandle<std::string> ending =
        spawn(ending_of(source.get_token(), with_timeout(1ms, forever())));
    co_await others();
    until_somebody_is_ready();  // the limit, by its deadline
    source.request_stop();
    std::string how = co_await std::move(ending);
    bool either = how == "late" || how == "cancelled";
    CHECK_MESSAGE(either, how);
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("with_timeout() ends a sleep, a connect, a read, a write, and they leave nothing") {
  SilentPeer silent;
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  run_case([&]() -> Task<> {
    auto sleeps = []() -> Task<> { co_await sleep_for(testing::patience_with_stages() / 2); };
    CHECK(co_await ending_of(with_timeout(2ms, sleeps())) == "late");
    // (What no stop ends has a deadline: its error has a name.)
    Clock::time_point end = Clock::now() + testing::patience_with_stages() / 4;
    auto connects = [&]() -> Task<> {
      (void)co_await Socket::connect(silent.address(), "silent", end);
    };
    auto named = [](Task<> task) -> Task<std::string> {
      try {
        co_await std::move(task);
        co_return "ended";
      } catch (const std::system_error& error) {
        bool by_limit = error.code() == std::errc::timed_out &&
                        std::string(error.what()).find("silent") == std::string::npos;
        co_return by_limit ? "late" : error.what();
      }
    };
    CHECK(co_await named(with_timeout(2ms, connects())) == "late");
    {
      Socket socket = co_await Socket::connect(listener.address(), "silent", end);
      std::array<char, 16> buffer;
      auto reads = [&]() -> Task<> { (void)co_await socket.read(buffer); };
      CHECK(co_await named(with_timeout(2ms, reads())) == "late");
      std::string much(64 << 20, '.');  // more than the kernel takes
      CHECK(co_await named(with_timeout(2ms, socket.write(much))) == "late");
      CHECK(co_await named(with_timeout(2ms, reads())) == "late");
      // The connection is whole.
      net::TcpStream other = listener.accept().value();
      other.write_all("data");
      CHECK(co_await socket.read(buffer) == 4);
    }
  });
  CHECK(testing::open_descriptors() == descriptors);
}

TEST_CASE("with_timeout() ends the wait for a join handle, but not the task that is waited for") {
  Source source, end;
  Reactor reactor;
  run_case([&]() -> Task<> {
    bool done = false;
    auto task = [&]() -> Task<> {
      co_await stubborn(source);
      done = true;
      end.make_ready();
    };
    JoinHandle<void> handle = spawn(task());
    auto joins = [&]() -> Task<> { co_await std::move(handle); };
    CHECK(co_await ending_of(with_timeout(2ms, joins())) == "late");
    CHECK_FALSE(done);
    source.make_ready();
    co_await stubborn(end);
    CHECK(done);
  });
}

TEST_CASE("with_timeout() waits for a blocking call, which may look itself whether it is to stop") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::atomic<bool> asked = false;
    auto calls = [&]() -> Task<int> {
      auto ask = [&] { asked = true; };
      std::stop_callback on_stop(co_await stop_token(), ask);
      auto call = [&] { return testing::eventually([&] { return asked.load(); }) ? 7 : 0; };
      co_return co_await spawn_blocking(call);
    };
    CHECK(co_await with_timeout(2ms, calls()) == 7);  // it was on its way
    CHECK(asked);
  });
}

TEST_CASE("with_timeout() of a group: its children stop, and clean up, before it comes out") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    int cleaned = 0;
    auto clean_up = [&]() -> Task<> {
      co_await sleep_for(1ms);
      ++cleaned;
    };
    auto child = [&]() -> Task<> {
      std::string how = co_await ending_of(forever());
      co_await with_token(std::stop_token(), clean_up());
      if (how == "cancelled") throw Cancelled();
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 3; ++i) group.spawn(child());
      co_return;
    };
    CHECK(co_await ending_of(with_timeout(2ms, with_group(body))) == "late");
    CHECK(cleaned == 3);
  });
}

// -- All of it
// -------------------------------------------------------------------------------------

TEST_CASE("when_any() stops the losers, when_all() those beside an error, and both wait for them") {
  Reactor reactor;
  run_case([&]() -> Task<> {
    std::vector<Task<int>> race;
    race.push_back(later(1, testing::patience_with_stages() / 2));
    race.push_back(later(2, 1ms));
    auto [winner, value] = co_await when_any(std::move(race));
    CHECK(winner == 1);
    CHECK(Counted::alive == 0);
    std::vector<Task<int>> all;
    all.push_back(later(1, testing::patience_with_stages() / 2));
    all.push_back(thrown("on purpose"));
    std::string caught;
    try {
      (void)co_await when_all(std::move(all));
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    CHECK(caught == "on purpose");
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE(
    "a hundred requests, a timeout, a stopped group, an error: only the right ones are closed") {
  Delayserver server;
  Peer rude([](net::TcpStream stream) { testing::read_request(stream); });
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  int fine = 0, late = 0, stopped = 0, errors = 0;
  run_case([&]() -> Task<> {
    auto answered = [&](int i) -> Task<> {
      CHECK(co_await get(server.address(), "fine-" + std::to_string(i), 150ms) ==
            "fine-" + std::to_string(i));
      ++fine;
    };
    auto too_late = [&]() -> Task<> {
      try {
        (void)co_await with_timeout(50ms, get(server.address(), "late", 60'000ms));
      } catch (const std::system_error&) {
        ++late;
      }
    };
    auto without_end = [&]() -> Task<> {
      try {
        (void)co_await get(server.address(), "stopped", 60'000ms);
      } catch (const Cancelled&) {
        ++stopped;
        throw;
      }
    };
    auto broken = [&]() -> Task<> {
      try {
        (void)co_await get(rude.address(), "broken", 0ms);
      } catch (const http::ParseError&) {
        ++errors;
      }
    };
    auto stopped_group = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 10; ++i) group.spawn(without_end());
      co_await sleep_for(70ms);
      group.request_stop();
    };
    JoinHandle<std::string> group = spawn(ending_of(std::stop_token(), with_group(stopped_group)));
    std::vector<Task<>> all;
    for (int i = 0; i < 88; ++i) all.push_back(answered(i));
    all.push_back(too_late());
    all.push_back(broken());
    co_await when_all(std::move(all));
    CHECK(co_await std::move(group) == "cancelled");
  });
  CHECK(fine == 88);
  CHECK(late == 1);
  CHECK(stopped == 10);
  CHECK(errors == 1);
  CHECK(server.stats().served == 88);
  CHECK(testing::eventually([&] { return server.stats().errors == 11; }));
  CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
}

TEST_CASE(
    "the program asks for more until its time is over, and what is in flight then is closed") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  bool result = counted.result.out.find(" bytes: request-0") != std::string::npos;
  CHECK(result);
  CHECK(testing::eventually([&] { return server.stats().in_flight == 0; }));
  CHECK(server.stats().errors >= 1);
}
