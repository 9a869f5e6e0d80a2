// The suite of ch10/c-resume. What executor, reactor and HttpGet promise by themselves is checked
// by the suites of chapters 8 and 9.

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "future.hpp"
#include "pinned.hpp"
#include "program_cases.hpp"
#include "task.hpp"
#include "task_cases.hpp"
#include "waker.hpp"

TEST_CASE("a wake asks one future, whatever the depth: it finds the innermost task at once") {
  CHECK(stack_at_leaf(1000) == stack_at_leaf(1));
  for (int tasks : {1, 10, 1000}) {
    CAPTURE(tasks);
    NothingLeft nothing_left;
    Switch leaf;
    Task<int> task = row(tasks, leaf);
    for (int wakes = 1; wakes <= 3; ++wakes) {
      CHECK(poll(task) == std::nullopt);
      CHECK(leaf.polls == wakes);
    }
    leaf.ready = true;
    CHECK(poll(task) == 4 + tasks);
  }
}

TEST_CASE("the row is one shorter when its last task has ended: who awaited that waits now") {
  NothingLeft nothing_left;
  Switch first, second;
  auto inner = [&]() -> Task<int> { co_return co_await pin<Leaf>(first); };
  auto middle = [&]() -> Task<int> {
    int value = co_await inner();
    co_return value * 10 + co_await pin<Leaf>(second);
  };
  auto outer = [&]() -> Task<int> { co_return co_await middle() * 10 + co_await inner(); };
  Task<int> task = outer();
  CHECK(poll(task) == std::nullopt);
  first.ready = true;
  CHECK(poll(task) == std::nullopt);
  CHECK(first.polls == 2);
  CHECK(second.polls == 1);
  CHECK(poll(task) == std::nullopt);
  CHECK(first.polls == 2);  // nobody waits for that any more
  CHECK(second.polls == 2);
  second.ready = true;
  CHECK(poll(task) == (2 * 10 + 3) * 10 + 3);
}

TEST_CASE(
    "a hundred thousand tasks in a row: the result, or an exception, comes up on a flat stack") {
  constexpr int tasks = 100'000;
  for (bool fails : {false, true}) {
    CAPTURE(fails);
    NothingLeft nothing_left;
    Switch leaf;
    Reach reach;
    std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
      reach.look();
      int value = depth < tasks ? co_await level(depth + 1) : co_await pin<Leaf>(leaf);
      reach.look();
      co_return value + 1;
    };
    Task<int> task = level(1);
    CHECK(poll(task) == std::nullopt);
    leaf.ready = true;
    leaf.fails = fails;
    if (fails) {
      CHECK_THROWS_WITH_AS(static_cast<void>(poll(task)), "on purpose", std::runtime_error);
    } else {
      CHECK(poll(task) == tasks + 2);
    }
    CHECK(reach.bytes() < 16 * 1024);
  }
}

TEST_CASE("one that has begun stays where it is: to hand it on, or to await it, is a logic_error") {
  NothingLeft nothing_left;
  Switch leaf;
  Task<int> task = row(2, leaf);
  CHECK(poll(task) == std::nullopt);
  CHECK_THROWS_AS(static_cast<void>(Pinned<int>(std::move(task))), std::logic_error);
  auto awaits = [&]() -> Task<int> { co_return co_await std::move(task); };
  CHECK_THROWS_AS(static_cast<void>(result_of(awaits())), std::logic_error);
  leaf.ready = true;
  CHECK(poll(task) == 2 + 2);  // it has not been hurt
}

TEST_CASE("a row inside a row: a task that is awaited as a Pinned is a future like others") {
  NothingLeft nothing_left;
  Switch leaf;
  auto outer = [&]() -> Task<int> {
    Pinned<int> inner = row(10, leaf);
    int value = co_await std::move(inner);
    inner = fails("on purpose");
    try {
      co_await sum(number(1), std::move(inner));
    } catch (const std::runtime_error&) {
      ++value;
    }
    co_return value + co_await row(3, leaf);
  };
  Task<int> task = outer();
  for (int polls = 1; polls <= 3; ++polls) {
    CHECK(poll(task) == std::nullopt);
    CHECK(leaf.polls == polls);
  }
  leaf.ready = true;
  CHECK(poll(task) == 14 + 1 + 8);
}

TEST_CASE("each row of an executor stands for itself") {
  NothingLeft nothing_left;
  Switch leaves[3];
  int sum_of_all = 0;
  auto task = [&](int tasks, Switch& leaf) -> Task<Unit> {
    sum_of_all += co_await row(tasks, leaf);
    co_return Unit{};
  };
  Pinned<Unit> rows[] = {task(5, leaves[0]), task(1, leaves[1]), task(3, leaves[2])};
  for (Pinned<Unit>& one : rows) CHECK_FALSE(poll(*one).has_value());
  for (std::size_t i : {2U, 0U, 1U}) {
    leaves[i].ready = true;
    for (std::size_t j = 0; j < 3; ++j) CHECK(leaves[j].alive == (rows[j] == nullptr ? 0 : 1));
    CHECK(poll(*rows[i]).has_value());
    rows[i] = nullptr;
  }
  CHECK(sum_of_all == (2 + 5) + (2 + 1) + (2 + 3));
}
