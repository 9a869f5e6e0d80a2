#pragma once
// What sleeping and deadlines promise, for the suites of f to h. No case looks at a clock to see
// how long something took: only that it was not too early, and in which order.

#include "join_cases.hpp"
#include "sleep.hpp"

#ifndef REACTOR_IS_GIVEN

TEST_CASE("a sleep is never too short, and one into the past is none") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    for (auto time : {1us, 500us, 1000us, 1500us, 7999us}) {
      Clock::time_point deadline = Clock::now() + time;
      co_await sleep_until(deadline);
      CHECK(Clock::now() >= deadline);
    }
    co_await sleep_for(-1h);
    co_await sleep_until(Clock::time_point{});
  });
}

TEST_CASE("sleepers wake in the order of their deadlines, not in that of their calls") {
  Reactor reactor;
  std::vector<int> order;
  Clock::time_point begin = Clock::now() + 20ms;
  auto sleeper = [&](int number) -> Task<> {
    co_await sleep_until(begin + number * 1ms);
    order.push_back(number);
  };
  run_body([&]() -> Task<> {
    for (int number : {5, 1, 4, 2, 3}) spawn(sleeper(number));
    co_return;
  });
  CHECK(order == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("an earlier deadline that comes later interrupts the wait for a late one") {
  Reactor reactor;
  std::vector<std::string> order;
  auto late = [&]() -> Task<> {
    co_await sleep_for(200ms);
    order.push_back("late");
  };
  run_body([&]() -> Task<> {
    spawn(late());
    co_await sleep_for(5ms);  // the reactor sleeps for the late one by now
    co_await sleep_for(1ms);
    order.push_back("early");
  });
  CHECK(order == std::vector<std::string>{"early", "late"});
}

TEST_CASE("ten thousand sleepers, all at once, and each goes on once") {
  Reactor reactor;
  int woken = 0;
  Clock::time_point deadline;
  auto sleeper = [&](int i) -> Task<> {
    Counted local;
    co_await sleep_until(deadline + (i % 7) * 1ms);
    ++woken;
  };
  run_body([&]() -> Task<> {
    for (int i = 0; i < 10'000; ++i) spawn(sleeper(i));
    deadline = Clock::now() + 10ms;  // none of them has begun
    co_return;
  });
  CHECK(woken == 10'000);
}

TEST_CASE("what comes in time has no timeout, and its deadline disturbs nobody afterwards") {
  Delayserver server;
  Reactor reactor;
  run_body([&]() -> Task<> {
    CHECK(co_await get(server.address(), "in-time", 1ms, Clock::now() + 10s) == "in-time");
    co_await sleep_for(1ms);
  });
  CHECK(server.stats().errors == 0);
}

TEST_CASE(
    "what comes too late is ETIMEDOUT, its connection is closed, and others are not touched") {
  Delayserver server;
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  run_body([&]() -> Task<> {
    JoinHandle<std::string> other = spawn(get(server.address(), "other", 100ms));
    bool late = false;
    try {
      (void)co_await get(server.address(), "late", 60'000ms, Clock::now() + 20ms);
    } catch (const std::system_error& error) {
      late = error.code() == std::errc::timed_out;
    }
    CHECK(late);
    CHECK(co_await std::move(other) == "other");
  });
  CHECK(server.stats().served == 1);
  CHECK(testing::eventually([&] { return server.stats().errors == 1; }));
  CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
}

TEST_CASE("a deadline that has passed already: what is there is still read, waiting is an error") {
  Delayserver server;
  Reactor reactor;
  run_body([&]() -> Task<> {
    bool late = false;
    try {
      (void)co_await get(server.address(), "late", 60'000ms, Clock::now() - 1s);
    } catch (const std::system_error& error) {
      late = error.code() == std::errc::timed_out;
    }
    CHECK(late);
  });
}

#endif
