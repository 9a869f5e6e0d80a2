// The suite of ch08/b-waker.

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#define Parker RealParker
#include "parker.hpp"
#undef Parker

// In place of the stage's: the same, but a case can put something into the moment in which a waker
// is called, on the thread that calls it.
class Parker : public RealParker {
 public:
  void unpark() {
    RealParker::unpark();
    if (after_unpark) after_unpark();
  }
  std::function<void()> after_unpark;
};

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "reactor.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "testing/source.hpp"
#include "testing/stage_program.hpp"
#include "waker.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;

namespace {

// A waker for reactor_cases.hpp.
class Woken {
 public:
  [[nodiscard]] Waker waker() const { return Waker(parker_); }
  void wait() const { parker_->park(); }
  [[nodiscard]] bool is_kept() const { return parker_.use_count() > copies_.use_count(); }

 private:
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
  std::shared_ptr<int> copies_ = std::make_shared<int>();
};

}  // namespace

#include "reactor_cases.hpp"

namespace {

// Does in each poll what the case says, with the number of the poll.
class Scripted final : public Future<int> {
 public:
  using Script = std::function<PollState<int>(int, const Waker&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  PollState<int> poll(const Waker& waker) override { return script_(++polls_, waker); }

 private:
  Script script_;
  int polls_ = 0;
};

// Another future, which is not asked more often than this.
template <class T>
class Limited final : public Future<T> {
 public:
  Limited(Future<T>& future, int limit, std::function<void(const Waker&)> before_poll)
      : future_(&future), limit_(limit), before_poll_(std::move(before_poll)) {}
  PollState<T> poll(const Waker& waker) override {
    REQUIRE_MESSAGE(--limit_ >= 0, "it is polled again and again");
    before_poll_(waker);
    return future_->poll(waker);
  }

 private:
  Future<T>* future_;
  int limit_;
  std::function<void(const Waker&)> before_poll_;
};

// block_on(), within limits: when nothing wakes the future, this does, and the case fails instead
// of hanging. Whoever only sleeps for a while finds that the time has passed at once.
template <IsFuture F>
typename F::Output run(Executor& executor, F future, int limit = 10'000) {
  std::mutex mutex;
  std::optional<Waker> last;
  std::atomic<bool> done = false;
  auto rescue = meanwhile([&] {
    bool in_time = testing::eventually([&] { return done.load(); });
    auto wake = [&] {
      std::lock_guard lock(mutex);
      if (last) last->wake();
      return done.load();
    };
    if (!in_time) CHECK(testing::eventually(wake));
    REQUIRE_MESSAGE(in_time, "nothing has woken it");
  });
  std::optional<typename F::Output> result;
  {
    AtEnd end(done);
    testing::Faults faults("nanosleep*:every:ETIME");
    Limited<typename F::Output> limited(future, limit, [&](const Waker& waker) {
      std::lock_guard lock(mutex);
      last.emplace(waker);
    });
    result.emplace(executor.block_on(std::move(limited)));
  }
  rescue.get();
  return std::move(*result);
}
int run(Executor& executor, Scripted::Script script) {
  return run(executor, Scripted(std::move(script)));
}

// Calls the waker when this thread sleeps, and checks that it has asked for nothing until then.
[[nodiscard]] std::future<void> wake_when_asleep(const Waker& waker,
                                                 const std::atomic<int>& asked) {
  return meanwhile([waker, &asked, before = asked.load(), thread = ::gettid()] {
    bool decided = testing::eventually([&] { return asked != before || sleeps(thread); });
    CHECK_MESSAGE(decided, "whoever waits must sleep, and not look again and again");
    CHECK_MESSAGE(asked == before, "it is polled, and nobody has woken it");
    waker.wake();
  });
}

PollState<int> seven(int, const Waker&) { return 7; }

// A leaf: ready when its source has been ready `times` times. Counts how often it is asked, and
// makes its source ready just after it has found that it is not, if the case wants that.
class Leaf final : public Future<int> {
 public:
  Leaf(const Source& source, int times, std::atomic<int>& polls, bool makes_ready = false)
      : source_(&source), times_(times), polls_(&polls), makes_ready_(makes_ready) {}
  PollState<int> poll(const Waker& waker) override {
    CHECK(std::this_thread::get_id() == thread_);
    int polls = ++*polls_;
    if (polls == 1) registration_ = Reactor::current().add(source_->fd(), "leaf");
    registration_.set_waker(waker);
    while (times_ > 0 && source_->take()) --times_;
    if (times_ == 0) return polls;
    if (makes_ready_) source_->make_ready();
    return std::nullopt;
  }

 private:
  const Source* source_;
  int times_;
  std::atomic<int>* polls_;
  bool makes_ready_;
  std::thread::id thread_ = std::this_thread::get_id();
  Registration registration_;
};

}  // namespace

TEST_CASE("an unpark() that comes before park() is kept until then") {
  Parker parker;
  meanwhile([&] { parker.unpark(); }).get();
  REQUIRE(in_time([&] { parker.park(); }, [&] { parker.unpark(); }));
}

TEST_CASE("park() uses an unpark() up: the next park() sleeps until there is another one") {
  Parker parker;
  parker.unpark();
  REQUIRE(in_time([&] { parker.park(); }, [&] { parker.unpark(); }));
  CHECK_FALSE(by_itself([&] { parker.park(); }, [&] { parker.unpark(); }));
  CHECK_FALSE(by_itself([&] { parker.park(); }, [&] { parker.unpark(); }));
}

TEST_CASE("several unpark() before a park() count as one") {
  Parker parker;
  for (int i = 0; i < 3; ++i) parker.unpark();
  REQUIRE(in_time([&] { parker.park(); }, [&] { parker.unpark(); }));
  CHECK_FALSE(by_itself([&] { parker.park(); }, [&] { parker.unpark(); }));
}

TEST_CASE("park() sleeps for as long as it takes: it does not look again after a while") {
  // Whoever only sleeps for a while finds, the first fifty times, that it has passed at once.
  constexpr std::size_t times = 50;
  std::string plan = "nanosleep*:1:ETIME";
  for (std::size_t i = 2; i <= times; ++i) plan += " nanosleep*:" + std::to_string(i) + ":ETIME";
  testing::Faults faults(plan);
  std::size_t before = testing::calls("nanosleep*");
  Parker parker;
  CHECK_FALSE(by_itself([&] { parker.park(); }, [&] { parker.unpark(); }));
  bool looked_again = testing::calls("nanosleep*") - before >= times;
  CHECK_FALSE(looked_again);
}

TEST_CASE("two threads that unpark each other in turn see what the other one has written") {
  Parker one, two;
  int turns = 0;  // no atomic: park() and unpark() order all
  auto other = meanwhile([&] {
    for (int i = 0; i < 1000; ++i) {
      two.park();
      ++turns;
      one.unpark();
    }
  });
  bool in_order = true;
  for (int i = 0; i < 1000; ++i) {
    two.unpark();
    one.park();
    in_order = in_order && turns == i + 1;
  }
  CHECK(in_order);
  other.get();
}

TEST_CASE("what is ready at once is polled once") {
  Executor executor;
  CHECK(run(executor, seven) == 7);
  CHECK(executor.polls() == 1);
}

TEST_CASE("a wake while it is polled is not lost: it is polled again") {
  Executor executor;
  CHECK(run(executor, [](int number, const Waker& waker) -> PollState<int> {
          if (number == 3) return number;
          waker.wake();
          return std::nullopt;
        }) == 3);
  CHECK(executor.polls() == 3);
}

TEST_CASE("a wake from another thread while it is polled is not lost either") {
  Executor executor;
  CHECK(run(executor, [](int number, const Waker& waker) -> PollState<int> {
          if (number == 2) return number;
          meanwhile([waker] { waker.wake(); }).get();
          return std::nullopt;
        }) == 2);
  CHECK(executor.polls() == 2);
}

TEST_CASE("a wake from another thread while it is parked makes it poll, there and then") {
  Executor executor;
  std::atomic<int> asked = 0;
  std::future<void> other;
  std::thread::id polled_on;
  CHECK(run(executor, [&](int number, const Waker& waker) -> PollState<int> {
          asked = number;
          polled_on = std::this_thread::get_id();
          if (number == 2) return number;
          other = wake_when_asleep(waker, asked);
          return std::nullopt;
        }) == 2);
  other.get();
  CHECK(executor.polls() == 2);
  CHECK(polled_on == std::this_thread::get_id());
}

TEST_CASE("two wakes before the next poll are one poll") {
  Executor executor;
  std::atomic<int> asked = 0;
  std::future<void> other;
  CHECK(run(executor, [&](int number, const Waker& waker) -> PollState<int> {
          asked = number;
          if (number == 3) return number;
          if (number == 2) {
            other = wake_when_asleep(waker, asked);
          } else {
            waker.wake();
            waker.wake();
          }
          return std::nullopt;
        }) == 3);
  other.get();
  CHECK(executor.polls() == 3);
}

TEST_CASE("wakes from many threads at once: none is lost, and each is one poll at most") {
  Executor executor;
  constexpr int threads = 4, wakes = 1000;
  std::atomic<int> asked = 0;
  std::atomic<bool> over = false;
  std::future<void> other;
  run(executor, [&](int number, const Waker& waker) -> PollState<int> {
    asked = number;
    if (over) return number;
    if (number > 1) return std::nullopt;
    other = meanwhile([&, waker, thread = ::gettid()] {
      std::vector<std::future<void>> all;
      for (int i = 0; i < threads; ++i)
        all.push_back(meanwhile([&] {
          for (int k = 0; k < wakes; ++k) waker.wake();
        }));
      for (std::future<void>& one : all) one.get();
      // When all have been answered, it sleeps.
      CHECK(testing::eventually([&] { return asked > 1 + threads * wakes || sleeps(thread); }));
      CHECK(asked > 1);
      CHECK(asked <= 1 + threads * wakes);
      over = true;
      waker.wake();
    });
    return std::nullopt;
  });
  other.get();
}

TEST_CASE("a waker may be called when its future and its executor are gone") {
  std::optional<Waker> kept;
  {
    Executor executor;
    run(executor, [&](int, const Waker& waker) {
      kept = waker;
      return 1;
    });
  }
  kept->wake();
  meanwhile([kept] { kept->wake(); }).get();
}

TEST_CASE("a waker that is called too late wakes nobody who comes after it") {
  Executor executor;
  std::optional<Waker> old;
  run(executor, [&](int, const Waker& waker) {
    old = waker;
    waker.wake();
    return 1;
  });
  old->wake();
  std::atomic<int> asked = 0;
  std::future<void> other;
  CHECK(run(executor, [&](int number, const Waker& waker) -> PollState<int> {
          asked = number;
          if (number == 2) return number;
          old->wake();
          other = wake_when_asleep(waker, asked);
          return std::nullopt;
        }) == 2);
  other.get();
  CHECK(executor.polls() == 1 + 2);
}

TEST_CASE("a waker wakes its own executor, and not one on another thread") {
  struct Side {
    std::atomic<int> asked = 0;
    std::atomic<pid_t> thread = 0;
    std::optional<Waker> waker;
    bool is_parked() const { return asked == 1 && sleeps(thread); }
  } one, two;
  auto start = [](Side& side) {
    return meanwhile([&side] {
      Executor executor;
      side.thread = ::gettid();
      run(executor, [&side](int number, const Waker& waker) -> PollState<int> {
        if (number == 1) side.waker = waker;
        side.asked = number;
        if (number == 2) return number;
        return std::nullopt;
      });
    });
  };
  std::future<void> first = start(one), second = start(two);
  REQUIRE(testing::eventually([&] { return one.is_parked() && two.is_parked(); }));
  one.waker->wake();
  first.get();
  CHECK(testing::eventually([&] { return two.is_parked(); }));
  two.waker->wake();
  second.get();
}

TEST_CASE("an exception of the future comes out of block_on(), and the executor can go on") {
  Executor executor;
  CHECK_THROWS_WITH_AS(run(executor,
                           [](int number, const Waker& waker) -> PollState<int> {
                             if (number == 2) throw std::runtime_error("on purpose");
                             waker.wake();
                             return std::nullopt;
                           }),
                       "on purpose", std::runtime_error);
  CHECK(run(executor, seven) == 7);
  CHECK(executor.polls() == 3);
}

TEST_CASE("a result may be anything that moves") {
  class Pointer final : public Future<std::unique_ptr<int>> {
   public:
    PollState<std::unique_ptr<int>> poll(const Waker&) override { return std::make_unique<int>(7); }
  };
  Executor executor;
  std::unique_ptr<int> result = executor.block_on(Pointer());
  REQUIRE(result != nullptr);
  CHECK(*result == 7);
}

TEST_CASE("the root is polled once at the start and once after each event, and not in between") {
  Source source;
  std::atomic<int> polls = 0;
  Reactor reactor;
  Executor executor;
  // Each time it becomes ready only after the leaf has found that it is not.
  CHECK(run(executor, Leaf(source, 5, polls, true)) == 6);
  CHECK(executor.polls() == 6);
}

TEST_CASE("of many sources, each event is one poll of the root, on the executor's thread") {
  std::vector<Source> sources(50);
  std::vector<std::atomic<int>> polls(sources.size());
  std::vector<Box<int>> leaves;
  for (std::size_t i = 0; i < sources.size(); ++i)
    leaves.push_back(box(Leaf(sources[i], 1, polls[i])));
  Reactor reactor;
  Executor executor;
  auto other = meanwhile([&] {
    for (std::size_t i = 0; i < sources.size(); ++i) {  // each when the one before has been seen
      REQUIRE(testing::eventually([&] { return polls.back() > static_cast<int>(i); }));
      sources[i].make_ready();
    }
  });
  run(executor, join_all(std::move(leaves)), 100);
  other.get();
  CHECK(executor.polls() == 51);
}

TEST_CASE("whoever is woken may use the reactor at once: no lock is held while a waker is called") {
  Source source, next;
  Woken woken;
  std::atomic<bool> done = false, in_time = false, gone = false, over = false;
  std::future<void> other;
  Parker place;  // stays, and it is seen when nobody has a share of it any more
  std::shared_ptr<Parker> parker(&place, [&](Parker*) { gone = true; });
  Reactor reactor;
  Registration registration = reactor.add(source.fd(), "source");
  // This happens on the reactor's thread, in the middle of wake(). The other thread does what an
  // executor's may do that has been woken.
  place.after_unpark = [&] {
    if (other.valid()) return;
    parker.reset();
    other = meanwhile([&] {
      registration.set_waker(woken.waker());
      registration = {};
      registration = reactor.add(next.fd(), "next");
      registration.set_waker(woken.waker());
      done = true;
    });
    in_time = testing::eventually([&] { return done.load(); });
    CHECK_MESSAGE(!gone, "the waker was destroyed while it was called");
    over = true;
  };
  registration.set_waker(Waker(parker));
  source.make_ready();
  auto is_over = [&] { return over.load(); };
  REQUIRE((testing::eventually(is_over) || testing::eventually(is_over)));
  other.get();
  CHECK_MESSAGE(in_time, "the reactor could not be used before wake() had returned");
  next.make_ready();
  CHECK(told(woken));
}

TEST_CASE("a request that somebody else has polled before wakes the executor that polls it now") {
  Patient server;
  Reactor reactor;
  HttpGet request = get(server.address(), "hello", 0ms);
  Woken before;
  REQUIRE(is_sent(request, server, before));
  REQUIRE(reactor_has_seen_all());
  forget(before);  // what came of the connection
  std::atomic<bool> is_polled = false;
  class Watched final : public Future<std::string> {
   public:
    Watched(HttpGet& request, std::atomic<bool>& is_polled)
        : request_(&request), is_polled_(&is_polled) {}
    PollState<std::string> poll(const Waker& waker) override {
      PollState<std::string> body = request_->poll(waker);
      *is_polled_ = true;
      return body;
    }

   private:
    HttpGet* request_;
    std::atomic<bool>* is_polled_;
  };
  auto other = meanwhile([&] {
    REQUIRE(testing::eventually([&] { return is_polled.load(); }));
    server.answer();
  });
  Executor executor;
  CHECK(run(executor, Watched(request, is_polled)) == "hello");
  other.get();
  CHECK_FALSE(was_told(before));
}

TEST_CASE("requests at once: the executor polls only when something has happened") {
  Delayserver server;
  Reactor reactor;
  Executor executor;
  std::vector<Box<std::string>> requests;
  for (int i = 0; i < 5; ++i)
    requests.push_back(box(get(server.address(), std::to_string(i), (i + 1) * 20ms)));
  CHECK(run(executor, join_all(std::move(requests))) ==
        std::vector<std::string>{"0", "1", "2", "3", "4"});
  // Of each connection: that it stands, the answer, perhaps in pieces.
  CHECK(executor.polls() <= 1 + 5 * 5);
}

TEST_CASE("the runtime can be started twice in one process, and leaves nothing behind") {
  Delayserver server;
  std::vector<pid_t> running = threads();
  std::size_t descriptors = testing::open_descriptors();
  for (std::string name : {"once", "twice"}) {
    {
      Reactor reactor;
      Executor executor;
      REQUIRE(run(executor, get(server.address(), name, 1ms), 1'000'000) == name);
    }
    // (The server is in this process, too, and takes a moment.)
    CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
  }
  CHECK(testing::eventually([&] { return testing::no_threads_but(running); }));
}

TEST_CASE("the program has all five requests on their way, and sleeps until there is something") {
  testing::CountedResult counted = testing::check_all_in_flight(STAGE_PROGRAM);
  // One for each answer, and some for connections and answers that come in pieces.
  CHECK(counted.calls["epoll_wait"] <= 50);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
