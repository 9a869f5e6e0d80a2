#pragma once
// What a Task promises in all stages that have it, as a Future of chapter 9 and under its executor.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "parker.hpp"
#include "pinned.hpp"
#include "reactor.hpp"
#include "read_byte.hpp"
#include "ready_queue.hpp"
#include "task.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"
#include "waker.hpp"

namespace {

// The blocks that this thread has allocated, and not freed.
thread_local long living_blocks = 0;

}  // namespace

// Coroutine frames are allocated here like all else: so a case can tell that none is left.
// (Sanitizers bring such functions of their own, and find themselves what is left.) Not inlined:
// g++ 12 would take malloc() and `delete`, or `new` and free(), for a pair that does not match.
#if !COURSE_ADDRESS_SANITIZER && !COURSE_THREAD_SANITIZER
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* block = std::malloc(size == 0 ? 1 : size)) {
    ++living_blocks;
    return block;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  if (block != nullptr) --living_blocks;
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}
#endif

namespace {

using Log = std::vector<std::string>;

// At its end all that was allocated since it was made is gone, every frame with it. (It comes after
// a case's CAPTUREs, for which doctest allocates.)
class NothingLeft {
 public:
  NothingLeft() = default;
  NothingLeft(const NothingLeft&) = delete;
  NothingLeft& operator=(const NothingLeft&) = delete;
  ~NothingLeft() {
    long left = living_blocks - before_;
    if (std::uncaught_exceptions() == 0) CHECK_MESSAGE(left == 0, left, " blocks are left");
  }

 private:
  long before_ = living_blocks;
};

// Writes down when it ends; what was moved from does not.
class Ends {
 public:
  Ends(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}
  Ends(Ends&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
  Ends& operator=(Ends&&) = delete;
  ~Ends() {
    if (log_ != nullptr) log_->push_back(name_ + " ends");
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  Log* log_;
  std::string name_;
};

// Does in each poll what the case says, with the number of the poll.
template <class T>
class Scripted final : public Future<T> {
 public:
  using Script = std::function<PollState<T>(int, const Waker&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  PollState<T> poll(const Waker& waker) override { return script_(++polls_, waker); }

 private:
  Script script_;
  int polls_ = 0;
};

// A leaf of the cases: ready when they say so.
struct Switch {
  bool ready = false;
  bool fails = false;
  int polls = 0, alive = 0;
  std::optional<Waker> waker;  // of the last poll
};
class Leaf final : public Future<int> {
 public:
  explicit Leaf(Switch& its) : its_(its) { ++its_.alive; }
  ~Leaf() override { --its_.alive; }
  PollState<int> poll(const Waker& waker) override {
    ++its_.polls;
    its_.waker = waker;
    if (!its_.ready) return std::nullopt;
    if (its_.fails) throw std::runtime_error("on purpose");
    return its_.polls;
  }

 private:
  Switch& its_;
};

// A future that is ready when it is asked for the first time.
template <class T>
Pinned<T> ready(T value) {
  auto kept = std::make_shared<T>(std::move(value));
  return pin<Scripted<T>>([kept](int, const Waker&) { return PollState<T>(std::move(*kept)); });
}
Pinned<int> fails(const std::string& what) {
  return pin<Scripted<int>>(
      [what](int, const Waker&) -> PollState<int> { throw std::runtime_error(what); });
}

// A task's waker, and whether it has been called since it was last asked.
class Woken {
 public:
  [[nodiscard]] Waker waker() const { return Waker(1, queue_, parker_); }
  [[nodiscard]] bool was_called() const { return queue_->pop().has_value(); }
  void wait() const { parker_->park(); }

 private:
  std::shared_ptr<ReadyQueue> queue_ = std::make_shared<ReadyQueue>();
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
};

// (Not inlined: g++ 12 sees a memcpy() that is too long in strings of known length.)
[[gnu::noinline]] std::string text_of(std::size_t size) { return std::string(size, '.'); }

// For polls of which nobody waits for the waker.
template <class F>
auto poll(F& future) {
  return future.poll(Woken().waker());
}

// Polls what must be ready in this poll.
template <class T>
T result_of(Task<T> task) {
  PollState<T> result = poll(task);
  REQUIRE(result.has_value());
  return std::move(*result);
}

// How far the thread's stack reaches while the cases look at it.
class Reach {
 public:
  [[gnu::noinline]] void look() {
    auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    lowest_ = std::min(lowest_, here);
    highest_ = std::max(highest_, here);
  }
  [[nodiscard]] std::size_t bytes() const { return highest_ < lowest_ ? 0 : highest_ - lowest_; }

 private:
  std::uintptr_t lowest_ = UINTPTR_MAX, highest_ = 0;
};

// -- Coroutines ---------------------------------------------------------------------------------

Task<int> number(int value) { co_return value; }

Task<int> sum(Pinned<int> first, Pinned<int> second) {
  co_return co_await std::move(first) + co_await std::move(second);
}

// A row: so many tasks, the last of which awaits the leaf. Each adds one.
Task<int> row(int tasks, Switch& its) {
  if (tasks == 1) co_return co_await pin<Leaf>(its) + 1;
  co_return co_await row(tasks - 1, its) + 1;
}

// Awaits three leaves, one after the other, with variables of its own.
Task<Unit> three_waits(Log& log, std::array<Switch, 3>& its, Ends parameter) {
  Ends one(log, "one");
  co_await pin<Leaf>(its[0]);
  Ends two(log, "two");
  {
    Ends inner(log, "inner");
    co_await pin<Leaf>(its[1]);
  }
  Ends three(log, "three");
  co_await pin<Leaf>(its[2]);
  log.push_back("the end of " + parameter.name());
  co_return Unit{};
}

// How far apart the caller of poll() and the leaf of such a row stand on the stack.
std::size_t stack_at_leaf(int tasks) {
  Reach reach;
  Switch leaf;
  std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
    if (depth < tasks) co_return co_await level(depth + 1);
    co_return co_await pin<Scripted<int>>([&](int poll, const Waker&) -> PollState<int> {
      reach.look();
      if (poll == 1) return std::nullopt;
      return poll;
    });
  };
  Task<int> task = level(1);
  CHECK(poll(task) == std::nullopt);
  reach = Reach();  // what counts is the poll after a wake
  reach.look();
  CHECK(poll(task) == 2);
  return reach.bytes();
}

static_assert(IsFuture<Task<int>>);
static_assert(!std::move_constructible<Task<int>>, "a Task stays where it is");
static_assert(!std::is_move_assignable_v<Task<int>>);
static_assert(std::movable<Pinned<int>> && !std::copyable<Pinned<int>>);
static_assert(std::convertible_to<Task<int>, Pinned<int>>);
static_assert(!std::convertible_to<Task<int>&, Pinned<int>>, "only who gives it away");
static_assert(!std::convertible_to<Task<int>, Pinned<Unit>>);

}  // namespace

TEST_CASE("nothing of a Task runs before its first poll") {
  NothingLeft nothing_left;
  Log log;
  {
    auto coroutine = [](Log& its, Ends parameter) -> Task<int> {
      its.push_back("begins with " + parameter.name());
      co_return 7;
    };
    Task<int> task = coroutine(log, Ends(log, "it"));
    CHECK(log.empty());
    CHECK(poll(task) == 7);
    CHECK(log == Log{"begins with it"});
  }
  CHECK(log == Log{"begins with it", "it ends"});
}

TEST_CASE("one that is never polled ends its parameters, and nothing else") {
  NothingLeft nothing_left;
  Log log;
  std::array<Switch, 3> leaves;
  {
    Task<Unit> task = three_waits(log, leaves, Ends(log, "it"));
  }
  CHECK(log == Log{"it ends"});
  {
    Pinned<Unit> pinned = three_waits(log, leaves, Ends(log, "another"));
  }
  CHECK(log == Log{"it ends", "another ends"});
  CHECK(leaves[0].polls == 0);
}

TEST_CASE("a Task waits with what it awaits, and goes on in the poll in which that is ready") {
  NothingLeft nothing_left;
  Log log;
  Switch leaf;
  auto coroutine = [](Log& its, Switch& waits) -> Task<int> {
    its.push_back("before");
    int value = co_await pin<Leaf>(waits);
    its.push_back("after");
    co_return value * 10;
  };
  Task<int> task = coroutine(log, leaf);
  CHECK(poll(task) == std::nullopt);
  CHECK(poll(task) == std::nullopt);
  CHECK(log == Log{"before"});
  CHECK(leaf.polls == 2);
  leaf.ready = true;
  CHECK(poll(task) == 30);
  CHECK(log == Log{"before", "after"});
}

TEST_CASE("what is ready when it is asked for the first time does not end the poll") {
  NothingLeft nothing_left;
  Task<int> task = sum(ready(3), ready(4));
  CHECK(poll(task) == 7);
}

TEST_CASE("a future is polled with the waker of the Task's last poll, however deep it is") {
  for (int tasks : {1, 2, 10}) {
    CAPTURE(tasks);
    NothingLeft nothing_left;
    Woken first, second;
    Switch leaf;
    Task<int> task = row(tasks, leaf);
    CHECK(task.poll(first.waker()) == std::nullopt);
    CHECK(task.poll(second.waker()) == std::nullopt);
    leaf.waker->wake();
    CHECK_FALSE(first.was_called());
    CHECK(second.was_called());
    leaf.ready = true;
    CHECK(task.poll(first.waker()) == 3 + tasks);
  }
}

TEST_CASE("a result may be of any type that moves") {
  NothingLeft nothing_left;
  struct Named {
    explicit Named(std::string its) : name(std::move(its)) {}  // no default constructor
    std::string name;
  };
  auto move_only = [](int value) -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(value);
  };
  auto text = [](std::string value) -> Task<std::string> { co_return value; };
  auto named = [](std::string value) -> Task<Named> { co_return Named(value); };
  auto unit = []() -> Task<Unit> { co_return Unit{}; };
  auto list = [](std::size_t size) -> Task<std::vector<int>> {
    std::vector<int> values(size, 3);
    co_return values;
  };
  std::string long_text = text_of(1000);
  CHECK(*result_of(move_only(7)) == 7);
  CHECK(result_of(text(long_text)) == long_text);
  CHECK(result_of(named(long_text)).name == long_text);
  CHECK(result_of(list(3)) == std::vector<int>{3, 3, 3});
  static_cast<void>(result_of(unit()));

  auto all = [&]() -> Task<std::string> {
    std::unique_ptr<int> box = co_await move_only(1);
    Named name = co_await named(long_text);
    co_await unit();
    std::string body = co_await ready(std::string("body"));
    std::vector<int> values = co_await list(4);
    co_return std::to_string(*box) + body + std::to_string(values.size()) + name.name;
  };
  CHECK(result_of(all()) == "1body4" + long_text);
}

TEST_CASE("a result goes on as the same object's contents: nothing is copied") {
  NothingLeft nothing_left;
  const char* made = nullptr;
  auto inner = [&]() -> Task<std::string> {
    std::string text = text_of(1000);
    made = text.data();
    co_return text;
  };
  auto outer = [&]() -> Task<std::string> { co_return co_await inner(); };
  std::string result = result_of(outer());
  CHECK(result.data() == made);
}

TEST_CASE("variables, references to them, and parameters live in the frame from await to await") {
  NothingLeft nothing_left;
  auto coroutine = [](std::string parameter, Switch& leaf) -> Task<std::string> {
    std::string local = "local";
    std::string& text = local;
    const std::string* before = &local;
    for (int i = 0; i < 3; ++i) {
      int value = co_await pin<Leaf>(leaf);
      text += " " + std::to_string(value) + parameter;
    }
    co_return before == &local ? local : "it has moved";
  };
  Switch leaf;
  Task<std::string> task = [&] {
    std::string gone = text_of(100);
    return coroutine(gone, leaf);
  }();
  CHECK(poll(task) == std::nullopt);
  Pinned<std::string> pinned = [&]() -> Pinned<std::string> { return coroutine("!", leaf); }();
  CHECK(poll(*pinned) == std::nullopt);
  Pinned<std::string> moved = std::move(pinned);
  CHECK(poll(*moved) == std::nullopt);
  leaf.ready = true;
  CHECK(poll(*moved) == "local 4! 5! 6!");
  std::string dots = text_of(100);
  CHECK(poll(task) == "local 7" + dots + " 8" + dots + " 9" + dots);
}

TEST_CASE("it awaits futures and tasks, unnamed and named, in any order and in one expression") {
  NothingLeft nothing_left;
  auto coroutine = [](Pinned<int> one, Switch& leaf) -> Task<int> {
    Task<int> two = number(2);
    Pinned<int> three = number(3);
    Pinned<int> four = pin<Leaf>(leaf);
    int value = co_await std::move(four);
    value = value * 10 + co_await std::move(three);
    value = value * 10 + co_await std::move(two);
    value = value * 10 + co_await std::move(one);
    co_return value * 100 + co_await number(5) * 10 + co_await row(1, leaf);
  };
  Switch leaf;
  leaf.ready = true;
  CHECK(result_of(coroutine(ready(1), leaf)) == 132153);
}

TEST_CASE("two tasks are awaited one after the other: the second begins when the first has ended") {
  NothingLeft nothing_left;
  Log log;
  auto child = [&log](std::string name, Switch& leaf) -> Task<Unit> {
    Ends ends(log, name);
    log.push_back(name + " begins");
    co_await pin<Leaf>(leaf);
    co_return Unit{};
  };
  Switch first, second;
  auto parent = [&]() -> Task<Unit> {
    Task<Unit> b = child("b", second);  // lazy: made first, and awaited second
    co_await child("a", first);
    log.push_back("between");
    co_await std::move(b);
    log.push_back("done");
    co_return Unit{};
  };
  Task<Unit> task = parent();
  CHECK_FALSE(poll(task).has_value());
  CHECK(log == Log{"a begins"});
  first.ready = true;
  CHECK_FALSE(poll(task).has_value());
  CHECK(log == Log{"a begins", "a ends", "between", "b begins"});
  int asked = first.polls;
  second.ready = true;
  CHECK(poll(task).has_value());
  CHECK(first.polls == asked);
  CHECK(log.back() == "done");
}

TEST_CASE("tasks that await each other, ten deep: the result comes up through all of them") {
  NothingLeft nothing_left;
  Switch leaf;
  Task<int> task = row(10, leaf);
  for (int i = 0; i < 3; ++i) CHECK(poll(task) == std::nullopt);
  CHECK(leaf.polls == 3);
  leaf.ready = true;
  CHECK(poll(task) == 4 + 10);
}

TEST_CASE("an exception is thrown where it is awaited: it can be caught, and the Task goes on") {
  NothingLeft nothing_left;
  Log log;
  Switch leaf;
  auto coroutine = [&]() -> Task<int> {
    int value = 0;
    for (int i = 0; i < 2; ++i) {
      try {
        Ends ends(log, "try " + std::to_string(i));
        value += co_await pin<Leaf>(leaf);
      } catch (const std::runtime_error& error) {
        log.push_back(error.what());
      }
      CHECK(leaf.alive == 0);
    }
    value += co_await ready(100);
    try {
      value += co_await fails("at once");
    } catch (const std::runtime_error& error) {
      log.push_back(error.what());
    }
    co_return value + co_await number(1000);
  };
  Task<int> task = coroutine();
  CHECK(poll(task) == std::nullopt);
  leaf.ready = leaf.fails = true;
  CHECK(poll(task) == 1100);
  CHECK(log == Log{"try 0 ends", "on purpose", "try 1 ends", "on purpose", "at once"});
}

TEST_CASE("an exception leaves a task into the one that awaits it, which can catch it") {
  NothingLeft nothing_left;
  Log log;
  Switch leaf;
  auto child = [&]() -> Task<int> {
    Ends ends(log, "child");
    co_return co_await pin<Leaf>(leaf);
  };
  auto parent = [&]() -> Task<std::string> {
    std::string what;
    try {
      co_await child();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what + " " + std::to_string(co_await ready(7));
  };
  Task<std::string> task = parent();
  CHECK(poll(task) == std::nullopt);
  leaf.ready = leaf.fails = true;
  CHECK(poll(task) == "on purpose 7");
  CHECK(log == Log{"child ends"});
}

TEST_CASE("one that nobody catches leaves ten tasks, the innermost first, and then poll()") {
  NothingLeft nothing_left;
  Log log;
  Switch leaf;
  std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
    Ends ends(log, std::to_string(depth));
    if (depth == 10) co_return co_await pin<Leaf>(leaf);
    co_return co_await level(depth + 1);
  };
  Task<int> task = level(1);
  CHECK(poll(task) == std::nullopt);
  CHECK(log.empty());
  leaf.ready = leaf.fails = true;
  CHECK_THROWS_WITH_AS(static_cast<void>(poll(task)), "on purpose", std::runtime_error);
  CHECK(log == Log{"10 ends", "9 ends", "8 ends", "7 ends", "6 ends", "5 ends", "4 ends", "3 ends",
                   "2 ends", "1 ends"});
  CHECK(leaf.alive == 0);
}

TEST_CASE("after its result, or after an exception, to poll it is a std::logic_error") {
  NothingLeft nothing_left;
  Task<int> task = number(7);
  CHECK(poll(task) == 7);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(static_cast<void>(poll(task)), std::logic_error);

  Task<int> failing = sum(ready(1), fails("on purpose"));
  CHECK_THROWS_WITH_AS(static_cast<void>(poll(failing)), "on purpose", std::runtime_error);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(static_cast<void>(poll(failing)), std::logic_error);

  Switch leaf;
  Pinned<int> pinned = row(3, leaf);
  CHECK(poll(*pinned) == std::nullopt);
  leaf.ready = true;
  CHECK(poll(*pinned) == 5);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(static_cast<void>(poll(*pinned)), std::logic_error);
  CHECK(leaf.polls == 2);
}

TEST_CASE("one that has been handed on is empty: its frame belongs to another one") {
  NothingLeft nothing_left;
  Log log;
  std::array<Switch, 3> leaves;
  Pinned<Unit> pinned;
  {
    Task<Unit> task = three_waits(log, leaves, Ends(log, "it"));
    pinned = std::move(task);
    CHECK_THROWS_AS(static_cast<void>(poll(task)), std::logic_error);
  }
  CHECK(log.empty());
  for (Switch& leaf : leaves) leaf.ready = true;
  CHECK(poll(*pinned).has_value());
  pinned = nullptr;
  CHECK(log == Log{"inner ends", "the end of it", "three ends", "two ends", "one ends", "it ends"});
}

TEST_CASE("to await one that has ended, or that was handed on, is a std::logic_error") {
  NothingLeft nothing_left;
  auto awaits = [](Task<int>& task) -> Task<int> {
    try {
      co_return co_await std::move(task);
    } catch (const std::logic_error&) {
      co_return -1;
    }
  };
  Task<int> ended = number(7);
  CHECK(poll(ended) == 7);
  CHECK(result_of(awaits(ended)) == -1);
  Task<int> handed_on = number(7);
  CHECK(result_of(awaits(handed_on)) == 7);
  CHECK(result_of(awaits(handed_on)) == -1);
}

TEST_CASE("to destroy it is to cancel it: what lives ends once, in reverse order; no line runs") {
  const std::vector<Log> expected = {
      {"one ends", "it ends"},
      {"inner ends", "two ends", "one ends", "it ends"},
      {"three ends", "two ends", "one ends", "it ends"},
  };
  for (std::size_t waits = 0; waits < 3; ++waits)
    for (bool awaited : {false, true}) {
      CAPTURE(waits);
      CAPTURE(awaited);
      NothingLeft nothing_left;
      Log log;
      std::array<Switch, 3> leaves;
      for (std::size_t i = 0; i < waits; ++i) leaves[i].ready = true;
      auto parent = [](Pinned<Unit> child) -> Task<Unit> { co_return co_await std::move(child); };
      {
        Pinned<Unit> task = three_waits(log, leaves, Ends(log, "it"));
        if (awaited) task = parent(std::move(task));
        CHECK_FALSE(poll(*task).has_value());
        CHECK(leaves[waits].alive == 1);
        log.clear();
      }
      CHECK(log == expected[waits]);
      for (const Switch& leaf : leaves) CHECK(leaf.alive == 0);
    }
}

TEST_CASE("a row of tasks that is destroyed ends from the innermost one outwards") {
  NothingLeft nothing_left;
  Log log;
  Switch leaf;
  std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
    Ends ends(log, std::to_string(depth));
    if (depth == 5) co_return co_await pin<Leaf>(leaf);
    co_return co_await level(depth + 1);
  };
  {
    Task<int> task = level(1);
    CHECK(poll(task) == std::nullopt);
    CHECK(leaf.alive == 1);
  }
  CHECK(leaf.alive == 0);
  CHECK(log == Log{"5 ends", "4 ends", "3 ends", "2 ends", "1 ends"});
}

TEST_CASE("when a task has ended, its frame goes before whoever awaited it goes on") {
  NothingLeft nothing_left;
  auto keeps = [](std::string text) -> Task<std::size_t> { co_return text.size(); };
  auto coroutine = [&]() -> Task<int> {
    long before = living_blocks;
    for (int i = 0; i < 10; ++i) {
      std::size_t size = co_await keeps(text_of(100));
      if (size != 100 || living_blocks != before) co_return i;
    }
    co_return 10;
  };
  CHECK(result_of(coroutine()) == 10);
}

TEST_CASE("what stands in a co_await expression lives once, if it has a constructor or a name") {
  // g++ 12 destroys a temporary twice that is an aggregate: there it needs a name.
  NothingLeft nothing_left;
  Log log;
  struct Aggregate {
    Ends ends;
    int value;
  };
  auto of_aggregate = [](Aggregate its) -> Task<int> { co_return co_await ready(its.value); };
  auto of_class = [](Ends its) -> Task<int> {
    co_return co_await ready(static_cast<int>(its.name().size()));
  };
  auto coroutine = [&]() -> Task<int> {
    int value = co_await of_class(Ends(log, "class"));
    log.push_back("next");
    Aggregate named{Ends(log, "aggregate"), 10};
    value += co_await of_aggregate(std::move(named));
    log.push_back("next");
    auto closure = [ends = Ends(log, "closure")] { return ready(100); };
    value += co_await closure();
    co_return value;
  };
  CHECK(result_of(coroutine()) == 115);
  CHECK(log == Log{"class ends", "next", "aggregate ends", "next", "closure ends"});
}

TEST_CASE("a million awaits that are ready at once do not make the stack grow") {
  NothingLeft nothing_left;
  Reach reach;
  auto child = [&](bool fails) -> Task<int> {
    reach.look();
    if (fails) throw std::runtime_error("on purpose");
    co_return 1;
  };
  auto parent = [&]() -> Task<int> {
    int value = 0;
    for (int i = 0; i < 1'000'000; ++i) value += co_await child(false);
    for (int i = 0; i < 1'000; ++i) {
      try {
        value += co_await child(true);
      } catch (const std::runtime_error&) {
        ++value;
      }
      value += co_await ready(1);
    }
    co_return value;
  };
  CHECK(result_of(parent()) == 1'002'000);
  CHECK(reach.bytes() < 16 * 1024);
}

TEST_CASE("the executor runs Tasks, and wakes each when what it waits for has happened") {
  Log log;
  testing::Source sources[3];
  auto reads = [&](std::size_t i) -> Task<Unit> {
    log.push_back("begin " + std::to_string(i));
    for (int times = 0; times < 2; ++times) co_await pin<ReadByte>(sources[i]);
    log.push_back("end " + std::to_string(i));
    if (i > 0) {  // the last one lets the one before it go on
      sources[i - 1].make_ready();
      sources[i - 1].make_ready();
    }
    co_return Unit{};
  };
  Reactor reactor;
  Executor executor;
  for (std::size_t i = 0; i < 3; ++i) executor.spawn(reads(i));
  CHECK(log.empty());
  sources[2].make_ready();
  std::thread other([&] { sources[2].make_ready(); });
  executor.run();
  other.join();
  CHECK(log == Log{"begin 0", "begin 1", "begin 2", "end 2", "end 1", "end 0"});
  // Each at the start, and for each byte; a source may be told to be readable once for nothing.
  CHECK(executor.polls() <= 3 + 3 * 2 + 3);
}

TEST_CASE("a coroutine spawns others, which go on when it has ended, on the same thread") {
  Log log;
  std::thread::id here = std::this_thread::get_id();
  auto child = [&](std::string name) -> Task<Unit> {
    int polls = co_await pin<Scripted<int>>([](int poll, const Waker& waker) -> PollState<int> {
      if (poll == 3) return poll;
      waker.wake();
      return std::nullopt;
    });
    log.push_back(name + " " + std::to_string(polls));
    CHECK(std::this_thread::get_id() == here);
    co_return Unit{};
  };
  auto parent = [&]() -> Task<Unit> {
    Task<Unit> b = child("b");
    spawn(child("a"));
    spawn(std::move(b));
    log.push_back("the parent ends");
    co_return co_await ready(Unit{});
  };
  NothingLeft nothing_left;
  {
    Executor executor;
    executor.spawn(parent());
    executor.run();
  }
  CHECK(log == Log{"the parent ends", "a 3", "b 3"});
  log = Log();
}

TEST_CASE("what a coroutine throws ends its task only, and comes out of run()") {
  Log log;
  auto throws = []() -> Task<Unit> {
    co_await fails("on purpose");
    co_return Unit{};
  };
  auto wakes_itself = [&]() -> Task<Unit> {
    co_await pin<Scripted<Unit>>([](int poll, const Waker& waker) -> PollState<Unit> {
      if (poll == 2) return Unit{};
      waker.wake();
      return std::nullopt;
    });
    log.push_back("the other one ends");
    co_return Unit{};
  };
  Executor executor;
  executor.spawn(throws());
  executor.spawn(wakes_itself());
  CHECK_THROWS_WITH_AS(executor.run(), "on purpose", std::runtime_error);
  CHECK(log == Log{"the other one ends"});
  executor.run();
}

TEST_CASE("an executor that is destroyed destroys the coroutines that have not ended") {
  NothingLeft nothing_left;
  Log log;
  std::array<Switch, 3> leaves;
  {
    Executor executor;
    executor.spawn(three_waits(log, leaves, Ends(log, "never polled")));
  }
  CHECK(log == Log{"never polled ends"});
}

TEST_CASE("a request that is awaited is a leaf like others: its body, or what it throws") {
  testing::Delayserver server;
  testing::Peer broken([](net::TcpStream stream) {
    testing::read_request(stream);
    testing::say_and_close(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  });
  std::size_t descriptors = testing::open_descriptors();
  Log log;
  {
    Reactor reactor;
    Executor executor;
    auto fetch = [](net::Address address, std::string name) -> Task<std::string> {
      co_return co_await get(address, name, std::chrono::milliseconds(1)) + "!";
    };
    auto client = [&]() -> Task<Unit> {
      log.push_back(co_await fetch(server.address(), "one"));
      try {
        log.push_back(co_await fetch(broken.address(), "two"));
      } catch (const std::runtime_error&) {
        log.push_back("broken");
      }
      log.push_back(co_await fetch(server.address(), "three"));
      co_return Unit{};
    };
    executor.spawn(client());
    executor.run();
  }
  CHECK(log == Log{"one!", "broken", "three!"});
  CHECK(server.answered_messages() == Log{"one", "three"});
  // (The other ends are in this process, too, and take a moment.)
  CHECK(testing::eventually([&] { return testing::open_descriptors() <= descriptors; }));
}

TEST_CASE("a Task that is dropped in flight drops its request, and its place in the reactor") {
  testing::Peer patient([](net::TcpStream stream) {
    testing::read_request(stream);
    char byte = 0;
    while (stream.read({&byte, 1}).value_or(0) != 0) continue;
  });
  testing::Source source;
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  auto fetch = [&]() -> Task<std::string> {
    co_return co_await get(patient.address(), "hello", std::chrono::milliseconds(0));
  };
  auto outer = [&]() -> Task<Unit> {
    co_await pin<ReadByte>(source);
    co_await fetch();
    co_return Unit{};
  };
  {
    Task<Unit> task = outer();
    CHECK_FALSE(poll(task).has_value());
    source.make_ready();
    CHECK_FALSE(poll(task).has_value());
    CHECK(testing::open_descriptors() > descriptors);
  }
  CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
  // Nobody holds the source's place either: the queue takes it again.
  {
    Task<Unit> task = outer();
    CHECK_FALSE(poll(task).has_value());
  }
  static_cast<void>(reactor.add(source.fd(), "source"));
}
