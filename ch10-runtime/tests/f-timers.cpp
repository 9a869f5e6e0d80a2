// The suite of ch10/f-timers.

#include <malloc.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "watched_queue.hpp"

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)
#define TASKS_ARE_GIVEN
#include "testing/faults.hpp"
#include "timer_cases.hpp"

namespace {

// Makes the source ready, and stops the reactor's thread when it has been told so by the kernel,
// and has not looked at it yet; until release().
class Held {
 public:
  explicit Held(const Source& source)
      : after_("epoll_wait*", 1, [this](int) { hold(); }, testing::After::Of::any_thread) {
    source.make_ready();
    REQUIRE(testing::eventually([&] { return reached_.load(); }));
  }
  Held(const Held&) = delete;
  ~Held() { release(); }
  void release() { released_ = true; }
  [[nodiscard]] pid_t thread() const { return thread_; }

 private:
  void hold() {
    thread_ = ::gettid();
    reached_ = true;
    (void)testing::eventually([&] { return released_.load(); });
  }
  pid_t thread_ = 0;
  std::atomic<bool> reached_ = false, released_ = false;
  testing::After after_;
};

}  // namespace

TEST_CASE("a deadline that passes: the handle is pushed once, and timed_out() says why") {
  Task<int> first = value_of(1), second = value_of(2);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source"), other = reactor.add_timer();
  REQUIRE(registration.wait(first.handle(), queue, Clock::now() + 1ms));
  CHECK(next_in(queue) == first.handle());
  CHECK(registration.timed_out());
  REQUIRE(other.wait(second.handle(), queue, Clock::now() + 1ms));
  CHECK(next_in(queue) == second.handle());
  CHECK(queue.pop() == nullptr);
  // Nobody waits any more: what happens now is kept.
  source.make_ready();
  let_the_reactor_catch_up();
  CHECK(queue.pop() == nullptr);
  REQUIRE_FALSE(registration.wait(first.handle(), queue, never));
  // That a deadline has passed is nothing that happens to the source.
  REQUIRE(registration.wait(first.handle(), queue, Clock::now() + 1ms));
  CHECK(next_in(queue) == first.handle());
  CHECK(registration.wait(first.handle(), queue, never));
}

TEST_CASE("an event in time ends the wait, and its deadline ends no later one") {
  Task<int> first = value_of(1), second = value_of(2), third = value_of(3);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source"), other = reactor.add_timer();
  Clock::time_point deadline;
  // (On a busy machine the event may come too late: then again, with more time.)
  for (auto time = 20ms;; time *= 2) {
    deadline = Clock::now() + time;
    REQUIRE(registration.wait(first.handle(), queue, deadline));
    source.make_ready();
    REQUIRE(next_in(queue) == first.handle());
    if (!registration.timed_out()) break;
    REQUIRE(time < 1s);
    let_the_reactor_catch_up();
    REQUIRE_FALSE(registration.wait(first.handle(), queue, never));
  }
  REQUIRE(registration.wait(second.handle(), queue, never));
  REQUIRE(other.wait(third.handle(), queue, deadline + 1ms));
  REQUIRE(next_in(queue) == third.handle());
  CHECK(queue.pop() == nullptr);
  source.make_ready();
  CHECK(next_in(queue) == second.handle());
  CHECK_FALSE(registration.timed_out());
}

TEST_CASE("timed_out() speaks of the last wait, also of one that did not stop") {
  Task<int> nobody = value_of(0);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source");
  auto time_out = [&] {
    REQUIRE(registration.wait(nobody.handle(), queue, Clock::now() + 1ms));
    REQUIRE(next_in(queue) == nobody.handle());
    REQUIRE(registration.timed_out());
  };
  time_out();
  REQUIRE(registration.wait(nobody.handle(), queue, never));
  source.make_ready();
  REQUIRE(next_in(queue) == nobody.handle());
  CHECK_FALSE(registration.timed_out());
  time_out();
  source.make_ready();
  let_the_reactor_catch_up();
  REQUIRE_FALSE(registration.wait(nobody.handle(), queue, never));
  CHECK_FALSE(registration.timed_out());
}

TEST_CASE("a deadline that has passed already ends the wait, but what is kept comes first") {
  Task<int> nobody = value_of(0);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source");
  REQUIRE(registration.wait(nobody.handle(), queue, Clock::now() - 1s));
  REQUIRE(next_in(queue) == nobody.handle());
  CHECK(registration.timed_out());
  source.make_ready();
  let_the_reactor_catch_up();
  CHECK_FALSE(registration.wait(nobody.handle(), queue, Clock::now() - 1s));
  CHECK_FALSE(registration.timed_out());
}

TEST_CASE("a wait that does not stop leaves no deadline behind") {
  Task<int> first = value_of(1), second = value_of(2), third = value_of(3);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source"), other = reactor.add_timer();
  source.make_ready();
  let_the_reactor_catch_up();
  Clock::time_point deadline = Clock::now() + 1ms;
  REQUIRE_FALSE(registration.wait(first.handle(), queue, deadline));
  REQUIRE(registration.wait(second.handle(), queue, never));
  REQUIRE(other.wait(third.handle(), queue, deadline + 1ms));
  CHECK(next_in(queue) == third.handle());
  CHECK(queue.pop() == nullptr);
}

TEST_CASE(
    "deadlines that have come are handled in their order, and equal ones in that of the waits") {
  constexpr std::size_t count = 20;
  std::vector<Task<int>> tasks;
  for (std::size_t i = 0; i < 2 * count; ++i) tasks.push_back(value_of(0));
  Task<int> elsewhere = value_of(1);
  Source source;
  Reactor reactor;
  ReadyQueue queue, other;
  Registration held = reactor.add(source.fd(), "held"), registration = reactor.add_timer();
  std::vector<Registration> registrations;
  Held hold(source);
  // The second half comes first. Who was registered first waits last.
  Clock::time_point deadline = Clock::now();
  REQUIRE(registration.wait(elsewhere.handle(), other, deadline));
  for (std::size_t i = 0; i < 2 * count; ++i) registrations.push_back(reactor.add_timer());
  for (std::size_t i = 0; i < 2 * count; ++i) {
    Registration& next = registrations[2 * count - 1 - i];
    REQUIRE(next.wait(tasks[i].handle(), queue, i < count ? deadline : deadline - 1s));
  }
  hold.release();
  for (std::size_t i = 0; i < 2 * count; ++i) {
    CAPTURE(i);
    REQUIRE(next_in(queue) == tasks[(i + count) % (2 * count)].handle());
  }
  CHECK(next_in(other) == elsewhere.handle());
}

TEST_CASE("a deadline that is earlier than all others wakes a reactor that sleeps for those") {
  Task<int> first = value_of(1), second = value_of(2);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration held = reactor.add(source.fd(), "held");
  Registration late = reactor.add_timer(), early = reactor.add_timer();
  REQUIRE(late.wait(first.handle(), queue, Clock::now() + 1h));
  pid_t thread = Held(source).thread();
  let_the_reactor_catch_up();
  REQUIRE(testing::eventually([&] { return testing::sleeps(thread); }));
  REQUIRE(early.wait(second.handle(), queue, Clock::now() + 1ms));
  CHECK(next_in(queue) == second.handle());
}

TEST_CASE("an event and a deadline in one round are one push, and nothing is lost") {
  Task<int> first = value_of(1), second = value_of(2);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source");
  {
    Held hold(source);
    REQUIRE(registration.wait(first.handle(), queue, Clock::now()));
  }
  REQUIRE(next_in(queue) == first.handle());
  bool late = registration.timed_out();
  let_the_reactor_catch_up();
  CHECK(queue.pop() == nullptr);
  if (late) {  // then the event is kept
    CHECK_FALSE(registration.wait(first.handle(), queue, never));
  } else {
    REQUIRE(registration.wait(second.handle(), queue, never));
    let_the_reactor_catch_up();
    CHECK(queue.pop() == nullptr);
  }
}

TEST_CASE("a registration that ends while it waits takes its deadline with it") {
  Task<int> first = value_of(1), second = value_of(2);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration held = reactor.add(source.fd(), "held"), other = reactor.add_timer();
  {
    Held hold(source);
    Registration registration = reactor.add_timer();
    REQUIRE(registration.wait(first.handle(), queue, Clock::now()));
    REQUIRE(other.wait(second.handle(), queue, Clock::now()));
  }
  CHECK(next_in(queue) == second.handle());
  CHECK(queue.pop() == nullptr);
}

TEST_CASE("a registration does not end while the handle that waited with it is being pushed") {
  Task<int> task = value_of(1);
  Source source;
  ReadyQueue::Watch watch;
  Reactor reactor;
  ReadyQueue queue;
  std::optional<Registration> registration;
  std::atomic<pid_t> ending = 0;
  std::atomic<bool> pushing = false, ended = false;
  // The other thread has to wait then, or it ends the registration at once: one of the two comes.
  bool too_early = false;
  watch.before_push = [&](ReadyQueue&) {
    pushing = true;
    (void)testing::eventually([&] { return ended || (ending != 0 && testing::sleeps(ending)); });
    too_early = ended;
  };
  auto end_it = [&] {
    if (!testing::eventually([&] { return pushing.load(); })) return;
    ending = ::gettid();
    registration.reset();
    ended = true;
  };
  bool by_time = false;
  SUBCASE("by an event") {}
  SUBCASE("by its deadline") { by_time = true; }
  registration = reactor.add(source.fd(), "source");
  REQUIRE(registration->wait(task.handle(), queue, by_time ? Clock::now() + 1ms : never));
  std::jthread other(end_it);
  if (!by_time) source.make_ready();
  other.join();
  CHECK(next_in(queue) == task.handle());
  CHECK_FALSE(too_early);
}

TEST_CASE("whoever sleeps is pushed into its executor's queue when its time has come") {
  Reactor reactor;
  int slept = 0;
  auto sleeper = [&]() -> Task<> {
    co_await sleep_for(1ms);
    ++slept;
  };
  run_body([&]() -> Task<> {
    Task<> tasks[] = {sleeper(), sleeper()};
    for (Task<>& task : tasks) run(task.handle());
    while (slept < 2) {
      std::coroutine_handle<> next = next_in(Executor::current().ready());
      REQUIRE(next != nullptr);
      run(next);
    }
    co_return;
  });
}

TEST_CASE(
    "of two thousand sleeps that were cancelled nothing is left, though their time is to come") {
  Reactor reactor;
  auto sleeper = []() -> Task<> { co_await sleep_for(24h); };
  auto cancel = [&](int times) {
    for (int i = 0; i < times; ++i) {
      Task<> task = sleeper();
      run(task.handle());
    }
  };
  run_body([&]() -> Task<> {
    cancel(100);
    std::size_t before = ::mallinfo2().uordblks;  // (0 with a sanitizer)
    cancel(2'000);
    CHECK(::mallinfo2().uordblks < before + 20'000);
    co_return;
  });
}

TEST_CASE("the reactor resumes nobody whose time has come: its thread only pushes the handle") {
  Reactor reactor;
  ReadyQueue queue;
  std::atomic<bool> resumed = false;
  auto body = [&]() -> Task<> {
    resumed = true;
    co_return;
  };
  Task<> task = body();
  Registration registration = reactor.add_timer();
  REQUIRE(registration.wait(task.handle(), queue, Clock::now() + 1ms));
  std::coroutine_handle<> handle;
  CHECK(testing::eventually([&] { return resumed || (handle = queue.pop()) != nullptr; }));
  CHECK_FALSE(resumed);
}

TEST_CASE("no sleep is too short by a fraction of a millisecond") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    for (int i = 0; i < 50; ++i) {
      Clock::time_point deadline = Clock::now() + 700us;
      co_await sleep_until(deadline);
      REQUIRE(Clock::now() >= deadline);
    }
  });
}

TEST_CASE("until a deadline comes the reactor sleeps, and does not ask again and again") {
  Reactor reactor;
  constexpr int sleeps = 20;
  // For each: it is interrupted, and the time has come; and a few more.
  testing::After too_many("epoll_wait*", 6 * sleeps, [](int) {}, testing::After::Of::any_thread);
  run_body([&]() -> Task<> {
    for (int i = 0; i < sleeps; ++i) co_await sleep_for(1900us);
  });
  CHECK_FALSE(too_many.has_run());
}

TEST_CASE("a deadline in thirty days is more milliseconds than an int has, and not none") {
  Task<int> task = value_of(1);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration held = reactor.add(source.fd(), "held");
  // The limit of the epoll_wait() in which it slept for a deadline. (Always -1: it has another way
  // to be woken in time.)
  auto limit = [&](Clock::duration time) {
    Registration registration = reactor.add_timer();
    REQUIRE(registration.wait(task.handle(), queue, Clock::now() + time));
    let_the_reactor_catch_up();
    int found = 0;
    auto note = [&](int) { found = testing::last_timeout(); };
    testing::After after("epoll_wait*", 1, note, testing::After::Of::any_thread);
    source.make_ready();
    REQUIRE(testing::eventually([&] { return after.has_run(); }));
    return found;
  };
  if (limit(1h) >= 0) CHECK(limit(30 * 24h) > 0);
}

TEST_CASE(
    "the program gets the two answers that come in time, and says of three that they do not") {
  Delayserver server;
  // (A long unit: an answer shall not come late because the machine is busy.)
  testing::CountedResult counted = testing::counted_run(
      STAGE_PROGRAM, {"--server", server.address().to_string(), "--unit-ms", "200"});
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 5);
  bool result =
      counted.result.out.find("18 bytes: request-0 request-1 (request-2: ") != std::string::npos;
  CHECK(result);
  bool ticks = counted.result.out.find("tick      clock       3") != std::string::npos;
  CHECK(ticks);
}
