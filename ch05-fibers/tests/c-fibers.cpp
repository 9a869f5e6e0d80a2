// The suite of ch05/c-fibers.

#include <doctest/doctest.h>
#include <sys/personality.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <future>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "context.hpp"
#include "registers.hpp"
#include "runtime.hpp"
#include "sanitizers.hpp"
#include "testing/peer.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

namespace {

// A fiber's function has no parameter and no result: what it works on, and what it leaves behind,
// are variables of the suite.
thread_local std::string seen;      // the steps of this thread's fibers, in order: a letter each
thread_local Runtime* the_runtime;  // for fibers that need it

void step(char name) { seen += name; }

// Makes as many steps, and lets the others have their turns in between.
template <char name, int steps>
void count() {
  for (int i = 1; i <= steps; ++i) {
    step(name);
    if (i < steps) yield();
  }
}

// A runtime for these functions, from its beginning to its end. Returns the steps.
std::string run(std::initializer_list<void (*)()> functions) {
  seen.clear();
  Runtime runtime;
  the_runtime = &runtime;
  for (auto* function : functions) runtime.spawn(function);
  runtime.run();
  return seen;
}

// A function that is woken up by hand, without a runtime, on a given stack.
class Visit {
 public:
  Visit(std::span<std::byte> stack, void (*function)())
      : away_watch_(stack), away_(prepare(stack, function, guard)) {
    current_ = this;
  }

  // Goes to the function, and later to guard. It returns when they come back().
  void go() {
    StackWatch::before_switch(home_watch_, away_watch_);
    switch_with_registers(&home_, &away_, &home_before, &home_after, switch_context);
  }
  static void back() {
    Visit& self = *current_;
    StackWatch::before_switch(self.away_watch_, self.home_watch_);
    switch_with_registers(&self.away_, &self.home_, &self.away_before, &self.away_after,
                          switch_context);
  }

  // What the registers held when go(), or back(), switched, and when it returned.
  Registers home_before = registers_with(1), home_after{};
  Registers away_before = registers_with(2), away_after{};
  // Where the function, and guard, had their frames.
  static inline std::uintptr_t function_frame, guard_frame;

 private:
  static void guard() {
    guard_frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    StackWatch::before_switch(current_->away_watch_, current_->home_watch_, true);
    switch_context(&current_->away_, &current_->home_);
  }

  static inline Visit* current_;
  StackWatch home_watch_, away_watch_;
  Context home_, away_;
};

void note_frame() {
  Visit::function_frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

// Has a look at a stack of 32 KiB in a block that is a little larger, where the stack ends at a
// multiple of 16 and `more` bytes. `look` gets the stack, after the visit, and the block.
template <class Look>
void visit_stacks_that_end_anywhere(Look look) {
  for (std::size_t more = 0; more < 16; ++more) {
    CAPTURE(more);
    std::vector<std::byte> block(33 * 1024, std::byte{0x5a});
    void* start = block.data() + 512;
    std::size_t space = 32 * 1024 + 16;
    REQUIRE(std::align(16, 32 * 1024, start, space) != nullptr);
    std::span<std::byte> stack(static_cast<std::byte*>(start) + more, 32 * 1024);
    Visit visit(stack, note_frame);
    visit.go();
    look(stack, block);
  }
}

std::uintptr_t address(const std::byte* byte) { return reinterpret_cast<std::uintptr_t>(byte); }

// ---- What fibers do in some of the cases

// Calls itself, with a turn of the others before and after, and returns 1 + 2 + … + n.
int sum_up_to(int n) {
  volatile int kept = n;
  yield();
  int rest = n == 0 ? 0 : sum_up_to(n - 1);
  yield();
  return kept + rest;
}
int sums[3];

// Takes 100 kB of the stack, and finds in them after a turn of the others what it has put there.
int damaged;
template <unsigned char pattern>
void fill_a_large_frame() {
  volatile unsigned char frame[100'000];
  for (volatile unsigned char& byte : frame) byte = pattern;
  yield();
  for (volatile unsigned char& byte : frame) damaged += byte != pattern;
  step(static_cast<char>(pattern));
}

// For fibers of two threads: each waits for the other one, so that both threads have left their
// run() at the same time. The second time both have switched since.
std::atomic<int> arrivals;
void meet(int expected) {
  ++arrivals;
  while (arrivals < expected) std::this_thread::yield();
}
void meet_twice() {
  meet(2);
  step('1');
  yield();
  meet(4);
  step('2');
}

// Each generation starts the next one, and ends.
int generations;
void next_generation() {
  if (++generations == 100) return;
  try {
    the_runtime->spawn(next_generation);
  } catch (const std::runtime_error&) {
    step('!');  // there was no room for it
  }
}

// Two results that need rounding, one by each unit that x86-64 has for it. A unit whose control
// word nobody has set raises a signal there, or rounds to fewer digits.
long double compute_a_third() {
  volatile double one = 1.0, three = 3.0;
  volatile long double long_one = 1.0L, long_three = 3.0L;
  volatile double third = one / three;
  volatile long double long_third = long_one / long_three;
  return long_third + third;
}
long double inexact;
void compute() { inexact = compute_a_third(); }

#if defined(__x86_64__)
// How SSE and the x87 round. (fegetround() asks only one of them.)
struct Rounding {
  unsigned sse = 0, x87 = 0;
  void note() {
    sse = _mm_getcsr() >> 13 & 3;
    x87 = static_cast<unsigned>(std::fegetround()) >> 10 & 3;
  }
  [[nodiscard]] std::string text() const {
    const std::array<std::string, 4> names = {"nearest", "down", "up", "zero"};
    return "SSE " + names[sse] + ", x87 " + names[x87];
  }
};
Rounding rounding[4];
#endif

}  // namespace

TEST_CASE("switch_context() goes on in another context, and returns when that one switches back") {
  std::vector<std::byte> stack(64 * 1024);
  seen.clear();
  Visit visit(stack, [] {
    step('b');
    Visit::back();
    step('d');
  });
  step('a');
  visit.go();
  step('c');
  visit.go();
  step('e');
  CHECK(seen == "abcde");
}

TEST_CASE("registers that a function may count on after a call survive a switch") {
  std::vector<std::byte> stack(64 * 1024);
  Visit visit(stack, Visit::back);
  visit.go();
  CHECK(changed(visit.home_before, visit.home_after) == "");
  visit.go();
  CHECK(changed(visit.away_before, visit.away_after) == "");
  CHECK(changed(visit.home_before, visit.home_after) == "");
}

TEST_CASE("prepare() makes a function wake up on the stack that it is given, and guard behind it") {
  visit_stacks_that_end_anywhere([](std::span<std::byte> stack, std::span<std::byte> block) {
    std::uintptr_t begin = address(stack.data()), end = begin + stack.size();
    for (std::uintptr_t frame : {Visit::function_frame, Visit::guard_frame}) {
      CHECK(frame > begin);
      CHECK(frame < end);
    }
    bool untouched = std::all_of(block.begin(), block.end(), [&](const std::byte& byte) {
      return (address(&byte) >= begin && address(&byte) < end) || byte == std::byte{0x5a};
    });
    CHECK_MESSAGE(untouched, "something was written outside of the stack");
  });
}

TEST_CASE("the stack is aligned where a fiber's function begins, whatever the stack's end is") {
  visit_stacks_that_end_anywhere(
      [](auto...) { CHECK_MESSAGE(Visit::function_frame % 16 == 0, "the stack is misaligned"); });
}

TEST_CASE("the stack is aligned where guard begins, too (example-greenthreads issue 19)") {
  visit_stacks_that_end_anywhere(
      [](auto...) { CHECK_MESSAGE(Visit::guard_frame % 16 == 0, "the stack is misaligned"); });
}

TEST_CASE("fibers run in the order of their spawn, and take turns") {
  CHECK(run({count<'a', 3>, count<'b', 5>, count<'c', 1>, count<'d', 4>}) == "abcdabdabdbdb");
}

TEST_CASE("a fiber keeps its variables, and where it is, while others run") {
  run({[] { sums[0] = sum_up_to(10); }, [] { sums[1] = sum_up_to(3); },
       [] { sums[2] = sum_up_to(20); }});
  CHECK(sums[0] == 55);
  CHECK(sums[1] == 6);
  CHECK(sums[2] == 210);
}

TEST_CASE("run() returns when all fibers have returned, and can be called again") {
  seen.clear();
  Runtime runtime;
  for (int round = 0; round < 3; ++round) {
    runtime.spawn(count<'a', 2>);
    runtime.spawn(count<'b', 3>);
    runtime.run();
    step('.');
  }
  CHECK(seen == "ababb.ababb.ababb.");
}

TEST_CASE("run() returns at once if there is nothing to do") {
  CHECK(run({}) == "");
  Runtime runtime;
  runtime.run();
  runtime.spawn(count<'a', 1>);
  runtime.run();
  runtime.run();
  CHECK(seen == "a");
}

TEST_CASE("for the only fiber that is left, yield() returns at once") {
  CHECK(run({count<'a', 5>}) == "aaaaa");
  CHECK(run({count<'a', 5>, count<'b', 2>}) == "ababaaa");
}

TEST_CASE("a fiber that has returned makes room for another one, a thousand times") {
  seen.clear();
  Runtime runtime;
  for (int round = 0; round < 1000; ++round) {
    for (std::size_t i = 0; i < Runtime::max_fibers; ++i) runtime.spawn(count<'a', 2>);
    runtime.run();
  }
  CHECK(seen == std::string(2000 * Runtime::max_fibers, 'a'));
}

TEST_CASE("one fiber too many is a std::runtime_error, and changes nothing") {
  seen.clear();
  Runtime runtime;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < Runtime::max_fibers; ++i) runtime.spawn(count<'a', 2>);
    CHECK_THROWS_AS(runtime.spawn(count<'b', 1>), std::runtime_error);
    runtime.run();
  }
  CHECK(seen == std::string(4 * Runtime::max_fibers, 'a'));
}

TEST_CASE("yield() where no fiber runs is a std::logic_error") {
  CHECK_THROWS_AS(yield(), std::logic_error);
  Runtime runtime;
  CHECK_THROWS_AS(yield(), std::logic_error);
  runtime.spawn(count<'a', 2>);
  CHECK_THROWS_AS(yield(), std::logic_error);
  runtime.run();
  CHECK_THROWS_AS(yield(), std::logic_error);
}

TEST_CASE("run() in a fiber is a std::logic_error, which the fiber may catch and go on") {
  auto run_in_a_fiber = [] {
    bool refused = false;
    try {
      the_runtime->run();
    } catch (const std::logic_error&) {
      refused = true;
    }
    step(refused ? 'r' : '-');
    yield();
    step('a');
  };
  CHECK(run({run_in_a_fiber, count<'b', 2>}) == "rbab");
}

TEST_CASE("a second runtime on a thread is a std::logic_error, and the first one goes on") {
  seen.clear();
  {
    Runtime runtime;
    runtime.spawn(count<'a', 2>);
    CHECK_THROWS_AS(Runtime(), std::logic_error);
    runtime.run();
    CHECK_THROWS_AS(Runtime(), std::logic_error);
  }
  CHECK(run({count<'a', 2>}) == "aa");
}

TEST_CASE("what a runtime leaves unfinished is nothing to the next one") {
  seen.clear();
  {
    Runtime runtime;
    runtime.spawn(count<'a', 1>);
  }
  CHECK_MESSAGE(seen == "", "a fiber that had not had its turn was run after all");
  CHECK(run({count<'b', 2>}) == "bb");
}

TEST_CASE("several threads have a runtime each, at the same time") {
  Runtime runtime;
  runtime.spawn(count<'m', 2>);
  auto thread = [] {
    std::string all;
    for (int i = 0; i < 100; ++i) all = run({count<'a', 3>, count<'b', 2>});
    return all;
  };
  std::future<std::string> one = std::async(std::launch::async, thread);
  std::future<std::string> other = std::async(std::launch::async, thread);
  CHECK(one.get() == "ababa");
  CHECK(other.get() == "ababa");
  arrivals = 0;
  auto meeting = [] { return run({meet_twice, count<'b', 2>}); };
  one = std::async(std::launch::async, meeting);
  other = std::async(std::launch::async, meeting);
  CHECK(one.get() == "1b2b");
  CHECK(other.get() == "1b2b");
  seen.clear();
  runtime.run();
  CHECK(seen == "mm");
}

TEST_CASE("a fiber may spawn others, and run() waits for those, too") {
  auto parent = [] {
    the_runtime->spawn(count<'b', 2>);
    the_runtime->spawn(count<'c', 3>);
    count<'a', 2>();
  };
  std::string steps = run({parent});
  std::sort(steps.begin(), steps.end());
  CHECK(steps == "aabbccc");
  generations = 0;
  CHECK(run({next_generation}) == "");
  CHECK(generations == 100);
}

TEST_CASE("each fiber has a rounding mode of its own, for SSE and for the x87") {
#if defined(__x86_64__)
  run({[] {
         std::fesetround(FE_UPWARD);
         yield();
         rounding[0].note();
       },
       [] {
         std::fesetround(FE_DOWNWARD);
         yield();
         rounding[1].note();
       },
       [] {
         yield();
         rounding[2].note();
       }});
  rounding[3].note();
  std::fesetround(FE_TONEAREST);
  CHECK(rounding[0].text() == "SSE up, x87 up");
  CHECK(rounding[1].text() == "SSE down, x87 down");
  CHECK(rounding[2].text() == "SSE nearest, x87 nearest");
  CHECK(rounding[3].text() == "SSE nearest, x87 nearest");
#else
  MESSAGE("skipped: by this CPU's ABI, the rounding mode belongs to the whole program");
#endif
}

TEST_CASE("a fiber begins with the floating-point arithmetic that a program begins with") {
  inexact = 0;
  run({compute});
  bool as_in_main = inexact == compute_a_third();
  CHECK_MESSAGE(as_in_main, "1 / 3 came out otherwise in a fiber");
}

TEST_CASE("there is room for 100 kB on each stack") {
  damaged = 0;
  CHECK(run({fill_a_large_frame<'a'>, fill_a_large_frame<'b'>, fill_a_large_frame<'c'>}) == "abc");
  CHECK(damaged == 0);
}

TEST_CASE("the program's two jobs take turns, wherever its stacks lie, and both are done") {
  auto events = [] {
    std::vector<std::string> kept;
    for (const std::string& event : testing::events(STAGE_PROGRAM)) {
      if (event.starts_with("switch ")) continue;
      bool whole = event.starts_with("step ");  // what a fiber is called is the runtime's business
      kept.push_back(whole ? event : event.substr(0, event.find(' ')));
    }
    return kept;
  };
  const std::vector<std::string> expected = {"start",      "start", "step short", "step long",
                                             "step short", "done",  "step long",  "step long",
                                             "step long",  "done"};
  CHECK(events() == expected);
  int before = ::personality(0xffffffff);  // asks only
  if (before == -1 || ::personality(static_cast<unsigned>(before) | ADDR_NO_RANDOMIZE) == -1) {
    MESSAGE("not tried without address space layout randomization: this system does not allow it");
  } else {
    CHECK(events() == expected);
    ::personality(static_cast<unsigned>(before));
  }
  testing::check_output_errors(STAGE_PROGRAM);
}
