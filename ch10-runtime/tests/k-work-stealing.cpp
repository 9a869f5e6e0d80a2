// The suite of ch10/k-work-stealing.

#include "work_queue_cases.hpp"

// What follows is of what a reader is given: in their exercise a wrong queue would only make each
// of these hang. So it runs where the stage itself is checked.
#ifdef COURSE_CHECKS_THE_GIVEN

#define REGISTRATION_WAITS(registration, handle, queue) registration.readable().wait(handle)
#define PUSH_AS_LAST push_last
#define WORKERS_STEAL
#include "one_loop_cases.hpp"
#include "rethrown.hpp"

namespace {

Task<long> tree(long first, long size) {
  if (size == 1) co_return first;
  std::vector<Task<long>> parts;
  for (long i = 0; i < 10; ++i) parts.push_back(tree(first + i * (size / 10), size / 10));
  long sum = 0;
  for (long part : co_await when_all(std::move(parts))) sum += part;
  co_return sum;
}

}  // namespace

TEST_CASE("a tree of tasks on 1, 2, 4 and 16 workers: each leaf is counted once") {
  for (std::size_t workers : {1u, 2u, 4u, 16u}) {
    long sum = 0;
    auto body = [&]() -> Task<> { sum = co_await tree(0, 100'000); };
    run_on(workers, body());
    CHECK(sum == 100'000L * 99'999 / 2);
  }
}

TEST_CASE("sockets, sleeps, joins and stops on several workers") {
  Delayserver server;
  for (std::size_t workers : {2u, 4u, 16u}) {
    std::atomic<int> answers = 0, cancelled = 0, late = 0;
    auto fetch = [&](int i) -> Task<> {
      try {
        std::string name = "hello-" + std::to_string(i);
        if (co_await with_timeout(30ms, get(server.address(), name, i % 3 == 0 ? 10s : 1ms)) ==
            name)
          ++answers;
      } catch (const std::system_error&) {
        ++late;
      } catch (const Cancelled&) {
        ++cancelled;
      }
    };
    auto group_body = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 60; ++i) {
        group.spawn(fetch(i));
        if (i % 7 == 0) co_await sleep_for(1ms);
      }
    };
    auto body = [&]() -> Task<> {
      JoinHandle<void> one = spawn(with_group(group_body));
      co_await with_group(group_body);
      co_await std::move(one);
    };
    run_on(workers, body());
    CHECK(answers + cancelled + late == 120);
    CHECK(late >= 40);
  }
}

namespace {

// As Counted, on several threads.
struct Live {
  Live() { ++alive; }
  Live(const Live&) { ++alive; }
  Live& operator=(const Live&) = default;
  ~Live() { --alive; }
  static inline std::atomic<int> alive = 0;
};

Task<> sleeps_long() {
  Live live;
  co_await sleep_for(10s);
}
Task<Live> lives(int turns) {
  for (int i = 0; i < turns; ++i) co_await Turn();
  co_return Live();
}

}  // namespace

TEST_CASE("what comes out of a worker, be it the first or another one, comes out of run()") {
  for (bool first : {true, false})
    for (int round = 0; round < 50; ++round) {
      {
        auto here = std::this_thread::get_id();
        auto fails = [&]() -> Task<> {
          Live live;
          while ((std::this_thread::get_id() == here) != first) co_await Turn();
          Rethrown end = rethrown(std::make_exception_ptr(std::runtime_error("a worker")));
          co_await end;
        };
        Executor executor(2);
        for (int i = 0; i < 5; ++i) executor.spawn(sleeps_long());
        executor.spawn(fails());
        CHECK_THROWS_WITH(executor.run(), "a worker");
      }
      REQUIRE(Live::alive == 0);
    }
}

TEST_CASE("request_stop() ends all at once: who sleeps, and who always has something to do") {
  for (std::size_t workers : {1u, 2u, 4u})
    for (int round = 0; round < 20; ++round) {
      {
        Executor executor(workers);
        std::atomic<int> begun = 0;
        auto turns = [&]() -> Task<> {
          Live live;
          ++begun;
          while (true) {
            co_await Turn();
            co_await sleep_for(0s);
          }
        };
        for (int i = 0; i < 10; ++i) executor.spawn(sleeps_long());
        for (int i = 0; i < 3; ++i) executor.spawn(turns());
        std::jthread other([&] {
          while (begun != 3) std::this_thread::yield();
          executor.request_stop();
        });
        CHECK_THROWS_AS(executor.run(), Cancelled);
      }
      REQUIRE(Live::alive == 0);
    }
}

TEST_CASE("16 workers without work end at once, and an executor may run again or not at all") {
  Executor executor(16);
  for (int round = 0; round < 10; ++round) executor.run();
  for (int round = 0; round < 3; ++round) {
    JoinHandle<Live> handle = executor.spawn(lives(round));
    executor.run();
  }
  CHECK(Live::alive == 0);
  {
    Executor unstarted(2);
    unstarted.spawn(sleeps_long());
    auto holds = [](JoinHandle<Live> handle) -> Task<> { co_await std::move(handle); };
    unstarted.spawn(holds(unstarted.spawn(lives(1))));
  }
  CHECK(Live::alive == 0);
}

TEST_CASE("a task's end against who awaits it, drops it, or is stopped, on two workers") {
  auto body = []() -> Task<> {
    for (int round = 0; round < 2000; ++round) {
      JoinHandle<Live> one = spawn(lives(round % 3)), two = spawn(lives(round / 3 % 3));
      if (round % 2 == 0) co_await Turn();
      {
        JoinHandle<Live> dropped = std::move(one);
      }
      co_await std::move(two);
      auto awaits = [](JoinHandle<Live> handle) -> Task<Live> {
        co_return co_await std::move(handle);
      };
      std::vector<Task<Live>> both;
      both.push_back(lives(round % 4));
      both.push_back(awaits(spawn(lives(round / 2 % 4))));
      co_await when_any(std::move(both));  // who is second is stopped
    }
  };
  run_on(2, body());
  CHECK(Live::alive == 0);
}

TEST_CASE("a group's children, and a race's, end on several workers at once") {
  for (std::size_t workers : {1u, 2u, 4u, 16u}) {
    std::atomic<int> ended = 0;
    auto child = [&](int turns) -> Task<> {
      co_await lives(turns);
      ++ended;
    };
    auto group_body = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 8; ++i) group.spawn(child(i % 2));
      co_await Turn();
    };
    auto body = [&]() -> Task<> {
      for (int round = 0; round < 200; ++round) {
        co_await with_group(group_body);
        std::vector<Task<Live>> race;
        for (int i = 0; i < 6; ++i) race.push_back(lives(1));
        co_await when_any(std::move(race));
      }
    };
    run_on(workers, body());
    CHECK(ended == 1600);
    CHECK(Live::alive == 0);
  }
}

#endif
