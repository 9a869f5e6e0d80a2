// The suite of ch01/d-promises.

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "promise.hpp"
#include "testing/peer.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "timer_loop.hpp"

using namespace std::chrono_literals;

namespace {

std::exception_ptr error(const std::string& what) {
  return std::make_exception_ptr(std::runtime_error(what));
}

std::string what(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    return caught.what();
  }
}

// Writes down what becomes of a promise: "7", "error: …".
template <class T>
void record(const Promise<T>& promise, std::vector<std::string>& seen) {
  promise.then([&seen](const T& value) { seen.push_back(std::to_string(value)); })
      .or_else([&seen](std::exception_ptr error) { seen.push_back("error: " + what(error)); });
}

std::size_t sleeps(const testing::CountedResult& counted) {
  return counted.calls.at("nanosleep") + counted.calls.at("clock_nanosleep");
}

// What the program's tasks did; when its loop sleeps is left out.
std::vector<std::string> task_events(std::vector<std::string> events) {
  std::erase_if(events, [](const std::string& event) { return event.starts_with("wait "); });
  return events;
}
const std::vector<std::string> in_order = {"start task-1", "start task-2", "done task-2",
                                           "start task-3", "done task-3",  "done task-1"};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("then() calls its handler with the value") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  promise.then([&](int value) { seen.push_back(std::to_string(value)); });
  loop.run();
  CHECK(seen == Strings{});  // nothing to tell yet
  resolver.resolve(7);
  loop.run();
  CHECK(seen == Strings{"7"});
}

TEST_CASE("a handler is called by the loop, never from inside resolve() or then()") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  promise.then([&](int) { seen.push_back("first handler"); });
  resolver.resolve(7);
  seen.push_back("after resolve()");
  promise.then([&](int) { seen.push_back("second handler"); });
  seen.push_back("after then()");
  loop.run();
  promise.then([&](int) { seen.push_back("third handler"); });
  seen.push_back("settled long ago");
  loop.run();
  CHECK(seen == Strings{"after resolve()", "after then()", "first handler", "second handler",
                        "settled long ago", "third handler"});
}

TEST_CASE("what a handler returns is the value of the next promise") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  promise.then([](int value) { return std::to_string(value) + " times"; })
      .then([](const std::string& text) { return text.size(); })
      .then([&](std::size_t size) { seen.push_back(std::to_string(size)); })
      .then([&] { seen.push_back("and after nothing"); });
  resolver.resolve(42);
  loop.run();
  CHECK(seen == Strings{"8", "and after nothing"});
}

TEST_CASE("a promise that a handler returns is waited for, and its value is the next one's") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<Unit>(loop);
  auto [inner, inner_resolver] = make_promise<int>(loop);
  Strings seen;
  record(promise.then([inner] { return inner; }), seen);
  resolver.resolve({});
  loop.run();
  CHECK(seen == Strings{});
  inner_resolver.resolve(7);
  loop.run();
  CHECK(seen == Strings{"7"});
}

TEST_CASE("a promise that a handler returns passes on its error, too") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<Unit>(loop);
  auto [inner, inner_resolver] = make_promise<int>(loop);
  Strings seen;
  record(promise.then([inner] { return inner; }), seen);
  resolver.resolve({});
  loop.run();
  inner_resolver.reject(error("inside"));
  CHECK_NOTHROW(loop.run());
  CHECK(seen == Strings{"error: inside"});
}

TEST_CASE("what a handler throws is the error of the next promise, and not run()'s") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  record(promise.then([](int) -> int { throw std::runtime_error("thrown"); }), seen);
  resolver.resolve(7);
  CHECK_NOTHROW(loop.run());
  CHECK(seen == Strings{"error: thrown"});
}

TEST_CASE("an error skips the handlers of values, until or_else() makes a value of it") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  promise
      .then([&](int value) {
        seen.push_back("skipped");
        return value;
      })
      .then([&](int value) {
        seen.push_back("skipped");
        return value;
      })
      .or_else([&](std::exception_ptr error) {
        seen.push_back(what(error));
        return 1;
      })
      .then([&](int value) { seen.push_back(std::to_string(value)); });
  resolver.reject(error("no luck"));
  loop.run();
  CHECK(seen == Strings{"no luck", "1"});
}

TEST_CASE("a value skips the handler of errors") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  record(promise.or_else([&](std::exception_ptr) {
    seen.push_back("not wrong at all");
    return 1;
  }),
         seen);
  resolver.resolve(7);
  loop.run();
  CHECK(seen == Strings{"7"});
}

TEST_CASE("the handler of an error may wait for another promise, or fail itself") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  auto [second_try, second_resolver] = make_promise<int>(loop);
  Strings waits, fails;
  record(promise.or_else([second_try](std::exception_ptr) { return second_try; }), waits);
  record(
      promise.or_else([](std::exception_ptr) -> int { throw std::runtime_error("failed again"); }),
      fails);
  resolver.reject(error("first try"));
  second_resolver.resolve(7);
  loop.run();
  CHECK(waits == Strings{"7"});
  CHECK(fails == Strings{"error: failed again"});
}

TEST_CASE("all handlers of a promise are called, in the order of their then()s") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  for (std::string name : {"a", "b", "c"})
    promise.then([&seen, name](int value) { seen.push_back(name + std::to_string(value)); });
  resolver.resolve(7);
  promise.then([&seen](int value) { seen.push_back("late" + std::to_string(value)); });
  loop.run();
  CHECK(seen == Strings{"a7", "b7", "c7", "late7"});
}

TEST_CASE("the first result counts: later ones change nothing, and their callers hear of it") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  record(promise, seen);
  CHECK(resolver.resolve(1));
  CHECK_FALSE(resolver.resolve(2));
  CHECK_FALSE(resolver.reject(error("too late")));
  loop.run();
  CHECK_FALSE(resolver.resolve(3));
  record(promise, seen);
  loop.run();
  CHECK(seen == Strings{"1", "1"});
}

TEST_CASE("two callbacks may race for a promise: a copy of the resolver for each") {
  TimerLoop loop;
  Strings in_time, too_late;
  TimerLoop::Clock::time_point now = TimerLoop::Clock::now();
  auto race = [&](auto answer, auto timeout, Strings& seen) {
    auto [promise, resolver] = make_promise<int>(loop);
    loop.at(answer, [resolver] { resolver.resolve(7); });
    loop.at(timeout, [resolver] { resolver.reject(error("timeout")); });
    record(promise, seen);
  };
  race(now - 2ms, now - 1ms, in_time);
  race(now - 1ms, now - 2ms, too_late);
  loop.run();
  CHECK(in_time == Strings{"7"});
  CHECK(too_late == Strings{"error: timeout"});
}

TEST_CASE("a promise is broken when the last copy of its resolver is gone: nobody waits for ever") {
  TimerLoop loop;
  Strings seen;
  std::optional<Resolver<int>> last;
  {
    auto [promise, resolver] = make_promise<int>(loop);
    record(promise, seen);
    last = resolver;
  }
  loop.run();
  CHECK(seen == Strings{});  // it can still be settled
  last.reset();
  loop.run();
  CHECK(seen == Strings{"error: broken promise: its resolver is gone"});
}

TEST_CASE("an error that nobody handles comes out of run(), and run() can go on") {
  TimerLoop loop;
  Strings seen;
  auto [promise, resolver] = make_promise<int>(loop);
  promise.then([&](int) { seen.push_back("skipped"); });
  loop.after(1ms, [&] { seen.push_back("the others are still there"); });
  resolver.reject(error("nobody wanted it"));
  CHECK_THROWS_WITH_AS(loop.run(), "nobody wanted it", std::runtime_error);
  loop.run();
  CHECK(seen == Strings{"the others are still there"});
}

TEST_CASE("an error may be handled as late as in the same turn of the loop") {
  TimerLoop loop;
  Strings seen;
  loop.after(0ms, [&] {
    auto [promise, resolver] = make_promise<int>(loop);
    resolver.reject(error("handled in time"));
    record(promise, seen);
  });
  CHECK_NOTHROW(loop.run());
  CHECK(seen == Strings{"error: handled in time"});
}

TEST_CASE("a chain of 100,000 does not grow the stack") {
  TimerLoop loop;
  auto [first, resolver] = make_promise<int>(loop);
  Promise<int> last = first;
  for (int i = 0; i < 100'000; ++i) last = last.then([](int value) { return value + 1; });
  int result = 0;
  last.then([&](int value) { result = value; });
  resolver.resolve(0);
  loop.run();
  CHECK(result == 100'000);
}

TEST_CASE("a chain of 100,000 that nobody settles any more does not grow it either") {
  auto owned = std::make_shared<int>();
  {
    TimerLoop loop;
    auto [first, resolver] = make_promise<int>(loop);
    loop.after(1h, [last_one = std::move(resolver)] { last_one.resolve(1); });
    Promise<int> last = first;
    for (int i = 0; i < 100'000; ++i) last = last.then([owned](int value) { return value; });
    CHECK(owned.use_count() == 100'001);
  }
  CHECK(owned.use_count() == 1);
}

TEST_CASE("a promise that waits for itself is an error, not a wait for ever") {
  TimerLoop loop;
  auto [start, resolver] = make_promise<Unit>(loop);
  std::optional<Promise<int>> itself;
  itself = start.then([&] { return *itself; });
  Strings seen;
  record(*itself, seen);
  resolver.resolve({});
  loop.run();
  CHECK(seen == Strings{"error: a promise can't wait for itself"});
}

TEST_CASE("a value lives as long as a promise for it or a handler waits, and no longer") {
  TimerLoop loop;
  auto value = std::make_shared<int>(7);
  std::vector<long> owners;
  {
    auto [promise, resolver] = make_promise<std::shared_ptr<int>>(loop);
    resolver.resolve(value);
    promise.then([&](const std::shared_ptr<int>& shared) { owners.push_back(shared.use_count()); });
  }
  CHECK(value.use_count() == 2);
  loop.run();
  CHECK(owners == std::vector<long>{2});
  CHECK(value.use_count() == 1);
}

TEST_CASE("a handler and what it owns are gone when it has been called, or can't be any more") {
  auto owned = std::make_shared<int>();
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Promise<int> next =
      promise.then([owned](int value) { return value; }).or_else([owned](std::exception_ptr) {
        return 0;
      });
  CHECK(owned.use_count() == 3);
  resolver.resolve(7);
  loop.run();  // promise, resolver and next are still there
  CHECK(owned.use_count() == 1);
  {
    auto [never, lost] = make_promise<int>(loop);
    never.then([owned](int) {}).or_else([owned](std::exception_ptr) {});
    CHECK(owned.use_count() == 3);
  }
  loop.run();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("promises that never end do not keep timers waiting") {
  TimerLoop loop;
  bool timer_had_its_turn = false;
  std::function<void()> again = [&] {
    auto [promise, resolver] = make_promise<Unit>(loop);
    promise.then([&] {
      if (!timer_had_its_turn) again();
    });
    resolver.resolve({});
  };
  again();
  loop.after(5ms, [&] { timer_had_its_turn = true; });
  loop.run();
  CHECK(timer_had_its_turn);
}

TEST_CASE("the program's tasks wait at the same time: they end in the order of their delays") {
  // A busy machine can be so late for the second that the third starts too late: then once more.
  CHECK(
      testing::eventually([] { return task_events(testing::events(STAGE_PROGRAM)) == in_order; }));
}

TEST_CASE("the program sleeps once for each task at most") {
  testing::CountedResult counted;
  CHECK(testing::eventually([&] {
    counted = testing::counted_run(STAGE_PROGRAM);
    return sleeps(counted) >= 1;
  }));
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(sleeps(counted) <= 3);
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
  for (int line = 1; line <= 7; ++line) {  // also where a handler is what fails
    process::Result result =
        testing::run(STAGE_PROGRAM, {}, "write:" + std::to_string(line) + ":ENOSPC");
    INFO("line ", line);
    CHECK(result.exit.describe() == "exit status 1");
    CHECK(result.err == "cannot write to standard output: No space left on device\n");
  }
}
