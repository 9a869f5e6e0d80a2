// The suite of ch01/d-promises.

#include <doctest/doctest.h>

#include <algorithm>
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

// An error that is more than its text.
struct Spilled : std::runtime_error {
  Spilled(std::string on, std::size_t* copied_to = nullptr)
      : std::runtime_error("spilled"), where(std::move(on)), copies(copied_to) {}
  Spilled(const Spilled& other)
      : std::runtime_error(other), where(other.where), copies(other.copies) {
    if (copies) ++*copies;
  }
  std::string where;
  std::size_t* copies;
};

// What it is, with its type.
std::string kind(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Spilled& caught) {
    return "spilled on " + caught.where;
  } catch (int number) {
    return "number " + std::to_string(number);
  } catch (const std::exception& caught) {
    return std::string("lost its type: ") + caught.what();
  }
}
template <class T>
void record_kind(const Promise<T>& promise, std::vector<std::string>& seen) {
  promise.then([&seen](const T&) { seen.push_back("no error"); })
      .or_else([&seen](std::exception_ptr error) { seen.push_back(kind(error)); });
}

// What the program's tasks did; when its loop sleeps is left out.
std::vector<std::string> task_events(std::vector<std::string> events) {
  std::erase_if(events, [](const std::string& event) { return event.starts_with("wait "); });
  return events;
}
const std::vector<std::string> in_order = {"start toast", "start kettle", "done kettle",
                                           "start tea",   "done tea",     "done toast"};

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

TEST_CASE("all that wait for an error get it, and one that nobody handles is still heard") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  Strings seen;
  record(promise, seen);
  promise.then([&](int) { seen.push_back("skipped"); });
  promise.then([&](int) { seen.push_back("skipped"); });
  record(promise, seen);
  CHECK(resolver.reject(error("for all")));
  CHECK_THROWS_WITH_AS(loop.run(), "for all", std::runtime_error);
  CHECK_THROWS_WITH_AS(loop.run(), "for all", std::runtime_error);
  CHECK_NOTHROW(loop.run());
  CHECK(seen == Strings{"error: for all", "error: for all"});
}

TEST_CASE("all handlers share one value: none gets a copy, and none can take it from the others") {
  struct Counted {
    explicit Counted(std::size_t& counter) : copies(&counter) {}
    Counted(const Counted& other) : text(other.text), copies(other.copies) { ++*copies; }
    Counted(Counted&& other) = default;
    Counted& operator=(const Counted&) = delete;
    Counted& operator=(Counted&&) = default;
    std::string text = "too long to be a part of the string object itself";
    std::size_t* copies;
  };
  TimerLoop loop;
  auto [promise, resolver] = make_promise<Counted>(loop);
  std::size_t copies = 0;
  std::vector<const Counted*> seen;
  std::vector<bool> whole;
  auto look = [&](const Counted& value) {
    seen.push_back(&value);
    whole.push_back(value.text.starts_with("too long"));
  };
  promise.then(look);
  promise.then(look);
  resolver.resolve(Counted(copies));
  std::size_t copies_of_resolve = copies;
  promise.then(look);
  loop.run();
  promise.then(look);
  loop.run();
  CHECK(copies == copies_of_resolve);
  CHECK(seen == std::vector<const Counted*>(4, seen.at(0)));
  // What goes on to another promise is a copy, and the first keeps its own.
  promise.or_else([&](std::exception_ptr) { return Counted(copies); }).then(look);
  auto [start, begin] = make_promise<Unit>(loop);
  start.then([inner = promise] { return inner; }).then(look);
  begin.resolve({});
  promise.then(look);
  loop.run();
  promise.then(look);
  loop.run();
  CHECK(whole == std::vector<bool>(8, true));
}

TEST_CASE(
    "an error stays what it is on every way: its type, all that it holds, the object itself") {
  Strings seen;
  std::size_t copies = 0;
  TimerLoop loop;
  auto failing = [&](std::exception_ptr error) {
    auto [promise, resolver] = make_promise<int>(loop);
    resolver.reject(std::move(error));
    return promise;
  };
  Spilled spilled("the table", &copies);
  std::exception_ptr one = std::make_exception_ptr(spilled), two = std::make_exception_ptr(2);
  copies = 0;
  for (const std::exception_ptr& error : {one, two}) {
    auto [start, begin] = make_promise<Unit>(loop);
    begin.resolve({});
    record_kind(failing(error).or_else(
                    [](std::exception_ptr same) -> int { std::rethrow_exception(same); }),
                seen);
    record_kind(failing(error).then([](int) {}).then([] { return 7; }), seen);
    record_kind(start.then([&, error] { return failing(error); }), seen);
    record_kind(start.then([error]() -> int { std::rethrow_exception(error); }), seen);
    record_kind(start.then([error] { std::rethrow_exception(error); }).then([] { return 7; }),
                seen);
    record_kind(failing(std::make_exception_ptr(0)).or_else([&, error](std::exception_ptr) {
      return failing(error);
    }),
                seen);
    loop.run();
  }
  std::size_t half = 6;
  REQUIRE(seen.size() == 2 * half);
  CHECK(Strings(seen.begin(), seen.begin() + 6) == Strings(half, "spilled on the table"));
  CHECK(Strings(seen.begin() + 6, seen.end()) == Strings(half, "number 2"));
  CHECK(copies == 0);
}

TEST_CASE("an error that nobody handles leaves run() as what it is") {
  TimerLoop loop;
  auto reject = [&](std::exception_ptr error) {
    auto [promise, resolver] = make_promise<int>(loop);
    resolver.reject(std::move(error));
    promise.then([](int) {});
  };
  reject(std::make_exception_ptr(Spilled("the floor")));
  CHECK_THROWS_AS(loop.run(), Spilled);
  reject(std::make_exception_ptr(2));
  CHECK_THROWS_AS(loop.run(), int);
  auto [start, begin] = make_promise<Unit>(loop);
  start.then([] { throw 2; });
  begin.resolve({});
  CHECK_THROWS_AS(loop.run(), int);
}

TEST_CASE("an error that run() has reported is still there for those who ask later") {
  TimerLoop loop;
  auto [promise, resolver] = make_promise<int>(loop);
  resolver.reject(error("no luck"));
  CHECK_THROWS_WITH_AS(loop.run(), "no luck", std::runtime_error);
  Strings seen;
  record(promise, seen);
  CHECK_NOTHROW(loop.run());
  CHECK(seen == Strings{"error: no luck"});
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

TEST_CASE("a resolver that gets another promise to settle gives up its own") {
  TimerLoop loop;
  Strings first_seen, second_seen;
  auto [first, resolver] = make_promise<int>(loop);
  auto [second, other] = make_promise<int>(loop);
  record(first, first_seen);
  record(second, second_seen);
  resolver = other;
  loop.run();
  CHECK(first_seen == Strings{"error: broken promise: its resolver is gone"});
  CHECK(resolver.resolve(7));
  CHECK_FALSE(other.resolve(8));
  loop.run();
  CHECK(second_seen == Strings{"7"});
}

TEST_CASE("a broken promise that nobody waits for comes out of run(), as a BrokenPromise") {
  TimerLoop loop;
  (void)make_promise<int>(loop);
  CHECK_THROWS_AS(loop.run(), BrokenPromise);
  CHECK_NOTHROW(loop.run());
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

TEST_CASE("promises that wait for each other in a circle get an error, and nothing leaks") {
  auto owned = std::make_shared<int>();
  for (std::size_t size : {2U, 3U, 10U}) {
    INFO("a circle of ", size);
    Strings seen;
    {
      TimerLoop loop;
      auto [start, begin] = make_promise<Unit>(loop);
      auto circle = std::make_shared<std::vector<Promise<int>>>();
      for (std::size_t i = 0; i != size; ++i)
        circle->push_back(
            start.then([circle, owned, next = (i + 1) % size] { return circle->at(next); }));
      for (const Promise<int>& promise : *circle) record(promise, seen);
      begin.resolve({});
      loop.run();
    }
    CHECK(seen == Strings(size, "error: a promise can't wait for itself"));
    CHECK(owned.use_count() == 1);
  }
}

TEST_CASE("a circle is one, too, if it goes through then() or or_else(), and through other types") {
  auto owned = std::make_shared<int>();
  Strings seen;
  {
    TimerLoop loop;
    auto [start, begin] = make_promise<Unit>(loop);
    auto last = std::make_shared<std::optional<Promise<int>>>();
    Promise<int> first = start.then([last, owned] { return last->value(); });
    *last = first.then([owned](int value) { return std::to_string(value); })
                .then([owned](const std::string& text) { return static_cast<int>(text.size()); });
    record(**last, seen);
    auto mended = std::make_shared<std::optional<Promise<int>>>();
    Promise<int> second = start.then([mended, owned] { return mended->value(); });
    *mended = second.or_else([owned, &seen](std::exception_ptr error) {
      seen.push_back("mended: " + what(error));
      return 7;
    });
    record(**mended, seen);
    begin.resolve({});
    loop.run();
  }
  std::sort(seen.begin(), seen.end());
  CHECK(seen == Strings{"7", "error: a promise can't wait for itself",
                        "mended: a promise can't wait for itself"});
  CHECK(owned.use_count() == 1);
}

TEST_CASE(
    "what only looks like a circle is none: several may wait for one, also for what is over") {
  TimerLoop loop;
  auto [start, begin] = make_promise<int>(loop);
  auto [slow, answer] = make_promise<int>(loop);
  Strings seen;
  record(start.then([s = start](int) { return s; }), seen);  // the one that it was chained to
  Promise<int> waits = start.then([s = slow](int) { return s; });
  record(waits, seen);
  record(start.then([waits](int) { return waits; }), seen);
  record(start.then([waits](int) { return waits.then([](int value) { return value + 1; }); }),
         seen);
  begin.resolve(1);
  loop.run();
  answer.resolve(2);
  loop.run();
  std::sort(seen.begin(), seen.end());
  CHECK(seen == Strings{"1", "2", "2", "3"});
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

TEST_CASE("the program passes a value and an error down its chain") {
  process::Result result = testing::run(STAGE_PROGRAM);
  INFO(result.out, result.err);
  CHECK(result.out.find("draws for 60 ms, at 98 degrees\n") != std::string::npos);
  CHECK(result.out.find("is served black: the milk has turned\n") != std::string::npos);
}

TEST_CASE("the program sleeps once for each task at most") {
  testing::CountedResult counted;
  CHECK(testing::eventually([&] {
    counted = testing::counted_run(STAGE_PROGRAM);
    return counted.calls.at("nanosleep*") >= 1;
  }));
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(counted.calls.at("nanosleep*") <= 3);
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
  for (int line = 1; line <= 7; ++line) {  // also where a handler is what fails
    process::Result result =
        testing::run(STAGE_PROGRAM, {}, "write*:" + std::to_string(line) + ":ENOSPC");
    INFO("line ", line);
    CHECK(result.exit.describe() == "exit status 1");
    CHECK(result.err == "cannot write to standard output: No space left on device\n");
  }
}
