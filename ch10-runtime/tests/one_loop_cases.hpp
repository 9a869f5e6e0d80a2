#pragma once
// What holds from i on: one thread runs tasks, and waits for the world where it has none to run.
// And since what tasks promise has not changed, the cases of all stages before are here, too. The
// suite says by REGISTRATION_WAITS how one waits for a registered source; to be included before
// everything else of the stage.

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#define REACTOR_IS_THE_EXECUTORS
// (A suite says LOOP_IS_GIVEN if nothing can break it there: then i and the stages behind j judge
// it.)
#ifndef LOOP_IS_GIVEN
#include "schedules.hpp"
#endif
// Everything else comes after it.
#include "blocking.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "group.hpp"
#include "http.hpp"
#include "parker.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"
#include "sleep.hpp"
#include "socket.hpp"
#include "task.hpp"
#include "testing/delayserver.hpp"
#include "testing/program.hpp"
#include "testing/source.hpp"

// What the cases of the stages before call `Reactor reactor`: here it is the executor's own.
struct ExecutorsReactor {
  static Registration add(const net::Fd& source, std::string_view name) {
    return Executor::current().reactor().add(source, name);
  }
};
#define Reactor [[maybe_unused]] ExecutorsReactor
#ifndef LOOP_IS_GIVEN
#include "combinator_cases.hpp"
#include "schedule_cases.hpp"
#endif
#include "timer_cases.hpp"
#undef Reactor

using namespace std::chrono_literals;

namespace {

// Keeps its executor busy: it is ready again whenever it has had its turn.
Task<> turn_until(const bool& done, int& turns) {
  for (turns = 0; !done && turns < 1'000'000; ++turns) co_await Turn();
}

// On another thread, as soon as this one sleeps.
template <class Function>
std::jthread when_this_thread_sleeps(Function function) {
  return std::jthread([function, sleeper = ::gettid()] {
    CHECK(testing::eventually([&] { return testing::sleeps(sleeper); }));
    function();
  });
}

}  // namespace

TEST_CASE("a task that is always ready does not keep another one from its source") {
  Source source;
  bool done = false;
  int turns = 0;
  auto waits = [&]() -> Task<> {
    Registration registration = Executor::current().reactor().add(source.fd(), "source");
    source.make_ready();
    co_await UntilReady(registration);
    done = true;
  };
  run_body([&]() -> Task<> {
    JoinHandle<void> busy = spawn(turn_until(done, turns));
    spawn(waits());
    co_await std::move(busy);
  });
  CHECK(done);
  CHECK(turns < 1000);  // it is asked now and then, and not when time is left
}

TEST_CASE("a task that is always ready does not keep another one from its deadline") {
  bool done = false;
  int turns = 0;
  auto sleeps = [&]() -> Task<> {
    co_await sleep_for(-1ms);
    done = true;
  };
  run_body([&]() -> Task<> {
    spawn(sleeps());
    co_await turn_until(done, turns);
  });
  CHECK(done);
  CHECK(turns < 1000);
}

TEST_CASE("a stop that comes from another thread reaches a sleep while the executor sleeps") {
  std::stop_source stop;
  bool cancelled = false;
  auto sleeps = []() -> Task<> { co_await sleep_for(24h); };
  std::jthread other = when_this_thread_sleeps([&] { stop.request_stop(); });
  run_body([&]() -> Task<> {
    try {
      co_await with_token(stop.get_token(), sleeps());
    } catch (const Cancelled&) {
      cancelled = true;
    }
  });
  other.join();
  CHECK(cancelled);
}

TEST_CASE("a stop and an event at once: whoever waits goes on once, and nothing is lost") {
  std::vector<pid_t> before = testing::threads();
  for (int i = 0; i < 300; ++i) {
    Source source;
    std::stop_source stop;
    std::jthread other([&] {
      auto then = Clock::now() + i % 30 * 2us;
      while (Clock::now() < then) continue;
      stop.request_stop();
    });
    int resumed = 0;
    auto waits = [&]() -> Task<> {
      for (int times = 0; times < 2; ++times) {
        try {
          co_await sleep_for(std::chrono::microseconds(i));
        } catch (const Cancelled&) {
        }
        ++resumed;
      }
    };
    run_body([&]() -> Task<> { co_await with_token(stop.get_token(), waits()); });
    other.join();
    CHECK(resumed == 2);
  }
  CHECK(testing::no_threads_but(before));
}

TEST_CASE("an executor can be started again, and leaves no descriptor behind") {
  std::size_t descriptors = testing::open_descriptors();
  Source source;
  std::size_t with_source = testing::open_descriptors();
  for (int i = 0; i < 3; ++i) {
    run_body([&]() -> Task<> {
      Registration registration = Executor::current().reactor().add(source.fd(), "source");
      source.make_ready();
      co_await UntilReady(registration);
    });
    CHECK(testing::open_descriptors() == with_source);
  }
  CHECK(with_source > descriptors);
}

#ifndef WORKERS_STEAL

TEST_CASE("the program stops at its limit, on one thread, which nobody has to wake") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  bool result = counted.result.out.find(" bytes: request-0") != std::string::npos;
  CHECK(result);
  CHECK(testing::eventually([&] { return server.stats().in_flight == 0; }));
  CHECK(counted.calls["futex"] == 0);
  CHECK(counted.calls["epoll_wait"] > 0);
}

#endif

#ifndef LOOP_IS_GIVEN

TEST_CASE("one thread does all: while a task waits for a source and for time there is no other") {
  std::vector<pid_t> before = testing::threads();
  Source source;
  run_body([&]() -> Task<> {
    Registration registration = Executor::current().reactor().add(source.fd(), "source");
    source.make_ready();
    co_await UntilReady(registration);
    co_await sleep_for(1ms);
    CHECK(testing::no_threads_but(before));
  });
}

#ifndef WORKERS_STEAL

TEST_CASE("what is pushed between \"the queue is empty\" and sleep is not slept over") {
  Reactor reactor;
  ReadyQueue queue(reactor);
  Task<int> task = value_of(1);
  REQUIRE(queue.pop() == nullptr);
  std::thread([&] { queue.push(task.handle()); }).join();
  queue.wait();
  CHECK(queue.pop() == task.handle());
}

TEST_CASE("a push wakes the thread that sleeps in the reactor, as often as it is done") {
  Reactor reactor;
  ReadyQueue queue(reactor);
  Task<int> task = value_of(1);
  for (int i = 0; i < 3; ++i) {
    std::jthread other = when_this_thread_sleeps([&] { queue.push(task.handle()); });
    std::coroutine_handle<> next = nullptr;
    // It may wake up for nothing, and then it sleeps again.
    while ((next = queue.pop()) == nullptr) queue.wait();
    CHECK(next == task.handle());
    other.join();
  }
}

TEST_CASE("several unpark() that come first count as one, and the second park() sleeps") {
  Reactor reactor;
  Parker parker(reactor);
  Source source;
  Registration registration = reactor.add(source.fd(), "source");
  Task<int> task = value_of(1);
  (void)reactor.look();  // that the source can be written to
  while (!REGISTRATION_WAITS(registration, task.handle(), queue)) {
  }
  for (int i = 0; i < 3; ++i) parker.unpark();
  CHECK(parker.park().empty());
  std::jthread other = when_this_thread_sleeps([&] { source.make_ready(); });
  CHECK(std::ranges::equal(parker.park(), std::vector<std::coroutine_handle<>>{task.handle()}));
  other.join();
}

#endif

TEST_CASE("executors on several threads have a reactor each, and do not wait for each other") {
  Delayserver server;
  std::atomic<int> answers = 0;
  auto run_one = [&] {
    auto fetch = [&](std::string name) -> Task<> {
      if (co_await get(server.address(), name, 20ms) == name) ++answers;
    };
    Executor executor;
    for (int i = 0; i < 5; ++i) executor.spawn(fetch("hello-" + std::to_string(i)));
    executor.run();
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(run_one);
  threads.clear();
  CHECK(answers == 20);
}

TEST_CASE("a handle that is pushed on another executor's thread goes on there") {
  std::atomic<Executor*> other_executor = nullptr;
  std::atomic<bool> ended = false;
  std::thread::id seen;
  std::thread other([&] {
    auto stays = [&]() -> Task<> {
      other_executor = &Executor::current();
      while (!ended) co_await sleep_for(1ms);
    };
    Executor executor;
    executor.spawn(stays());
    executor.run();
  });
  struct MoveTo {
    Executor& executor;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { executor.ready().push(handle); }
    void await_resume() const noexcept {}
  };
  std::thread::id there = other.get_id();
  run_body([&]() -> Task<> {
    REQUIRE(testing::eventually([&] { return other_executor != nullptr; }));
    Executor& home = Executor::current();
    MoveTo move_to{*other_executor};
    co_await move_to;
    seen = std::this_thread::get_id();
    MoveTo move_back{home};
    co_await move_back;
  });
  CHECK(seen == there);
  ended = true;
  other.join();
}

#endif
