#pragma once
// What when_all() and when_any() promise, for the suites of g and h.

#include "combinators.hpp"
#include "timer_cases.hpp"

inline Task<int> later(int value, Clock::duration time) {
  Counted local;
  co_await sleep_for(time);
  co_return value;
}

TEST_CASE("when_all(): the results stand in the order of the tasks, whoever ends first") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::vector<Task<int>> tasks;
    tasks.push_back(later(1, 6ms));
    tasks.push_back(later(2, 1ms));
    tasks.push_back(value_of(3));
    tasks.push_back(later(4, 3ms));
    std::vector<int> results = co_await when_all(std::move(tasks));
    CHECK(results == std::vector<int>{1, 2, 3, 4});
  });
}

TEST_CASE("when_all() of none, of one, of a thousand that end at once") {
  run_body([&]() -> Task<> {
    std::vector<int> none = co_await when_all(std::vector<Task<int>>());
    CHECK(none.empty());
    for (std::size_t count : {1u, 1000u}) {
      std::vector<Task<int>> tasks;
      for (std::size_t i = 0; i < count; ++i) tasks.push_back(value_of(static_cast<int>(i)));
      std::vector<int> results = co_await when_all(std::move(tasks));
      CHECK(results.size() == count);
      CHECK(results.back() == static_cast<int>(count) - 1);
    }
    int called = 0;
    auto count_it = [&]() -> Task<> {
      ++called;
      co_return;
    };
    std::vector<Task<>> nothings;
    for (int i = 0; i < 3; ++i) nothings.push_back(count_it());
    co_await when_all(std::move(nothings));
    CHECK(called == 3);
  });
}

TEST_CASE("when_all(): an exception comes out when all have ended, and not before") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    bool ended = false;
    auto slow = [&]() -> Task<int> {
      Counted local;
      for (int i = 0; i < 3; ++i) {
        try {
          co_await sleep_for(2ms);
        } catch (const std::exception&) {
          // (From h on it is asked to stop.)
        }
      }
      ended = true;
      co_return 1;
    };
    std::vector<Task<int>> tasks;
    tasks.push_back(slow());
    tasks.push_back(thrown("on purpose"));
    bool caught = false;
    try {
      (void)co_await when_all(std::move(tasks));
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "on purpose";
    }
    CHECK(caught);
    CHECK(ended);
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("when_any(): the first one's number and result, or its exception") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::vector<Task<int>> tasks;
    tasks.push_back(later(1, 200ms));
    tasks.push_back(later(2, 1ms));
    tasks.push_back(later(3, 100ms));
    auto [winner, value] = co_await when_any(std::move(tasks));
    CHECK(winner == 1);
    CHECK(value == 2);
    CHECK(Counted::alive == 0);  // it has waited for the others

    std::vector<Task<int>> failing_first;
    failing_first.push_back(later(1, 5ms));
    failing_first.push_back(thrown("first"));
    bool caught = false;
    try {
      (void)co_await when_any(std::move(failing_first));
    } catch (const std::runtime_error&) {
      caught = true;
    }
    CHECK(caught);

    bool refused = false;
    try {
      (void)co_await when_any(std::vector<Task<int>>());
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("when_all() inside of when_all(), and a reference to what the parent owns") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    int sum = 0;
    auto add = [&](int value) -> Task<> {
      co_await sleep_for(1ms);
      sum += value;
    };
    auto pair = [&](int value) -> Task<> {
      std::vector<Task<>> two;
      two.push_back(add(value));
      two.push_back(add(10 * value));
      co_await when_all(std::move(two));
    };
    std::vector<Task<>> pairs;
    for (int i = 1; i <= 3; ++i) pairs.push_back(pair(i));
    co_await when_all(std::move(pairs));
    CHECK(sum == 66);
  });
}
