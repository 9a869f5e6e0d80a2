// The suite of ch01/c-callbacks.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "timer_loop.hpp"

using namespace std::chrono_literals;
using Clock = TimerLoop::Clock;

namespace {

// Deadlines from here on have passed: a case about the order need not wait.
const Clock::time_point past = Clock::now() - 1h;

// How often this thread has gone to sleep, by whatever call.
std::size_t sleeps() { return testing::calls("nanosleep*"); }

// An error that is more than its text.
struct Spilled : std::runtime_error {
  explicit Spilled(std::string on) : std::runtime_error("spilled"), where(std::move(on)) {}
  std::string where;
};

// What the program's tasks did; when its loop sleeps is left out.
std::vector<std::string> task_events(std::vector<std::string> events) {
  std::erase_if(events, [](const std::string& event) { return event.starts_with("wait "); });
  return events;
}
const std::vector<std::string> in_order = {"start toast", "start kettle", "done kettle",
                                           "start tea",   "done tea",     "done toast"};

}  // namespace

TEST_CASE("callbacks run in the order of their deadlines") {
  std::vector<int> order;
  TimerLoop loop;
  for (int deadline : {3, 1, 4, 2, 6, 5})
    loop.at(past + deadline * 1ms, [&order, deadline] { order.push_back(deadline); });
  loop.run();
  CHECK(order == std::vector<int>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("deadlines may be years or a nanosecond apart") {
  std::vector<int> order;
  TimerLoop loop;
  const Clock::duration distances[] = {-24h * 365, -24h, -3s, -2s, 0ns, 1ns, 2ns, 1us, 1s, 5s};
  for (int i : {5, 9, 0, 7, 3, 6, 1, 8, 2, 4})
    loop.at(past + distances[i], [&order, i] { order.push_back(i); });
  loop.run();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a thousand timers keep the order, also those that callbacks add") {
  using Key = std::pair<int, int>;  // the deadline, and how many were added before
  std::vector<Key> expected, order;
  unsigned random = 1;
  TimerLoop loop;
  int added = 0;
  // Callbacks add later ones only, so the order is that of the keys.
  std::function<void(int)> add = [&](int deadline) {
    Key key(deadline, added++);
    expected.push_back(key);
    loop.at(past + deadline * 1ms, [&, key] {
      order.push_back(key);
      random = random * 1664525 + 1013904223;
      for (int i = 0; i < 2 && added < 1000; ++i)
        add(key.first + 1 + static_cast<int>((random >> 16) % 7));
    });
  };
  while (added < 300) {
    random = random * 1664525 + 1013904223;
    add(static_cast<int>((random >> 16) % 100));
  }
  loop.run();
  std::sort(expected.begin(), expected.end());
  CHECK(added == 1000);
  CHECK(order == expected);
}

TEST_CASE("of several callbacks with the same deadline, the first that was added runs first") {
  std::vector<int> order, expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  TimerLoop loop;
  for (int number : expected) loop.at(past, [&order, number] { order.push_back(number); });
  loop.run();
  CHECK(order == expected);
}

TEST_CASE("a callback may start a timer, and run() waits for that one, too") {
  std::vector<std::string> order;
  TimerLoop loop;
  loop.after(1ms, [&] {
    order.push_back("first");
    loop.after(1ms, [&] {
      order.push_back("second");
      loop.after(1ms, [&] { order.push_back("third"); });
    });
  });
  loop.run();
  CHECK(order == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE(
    "each callback runs once, also if it adds an earlier one (PhotonLibOS 1255: the index of an "
    "element that was taken out)") {
  const std::string first = "first", earlier = "earlier";
  std::vector<std::string> order;
  TimerLoop loop;
  loop.at(past + 2ms, [&] {
    order.push_back(first);
    if (order.size() > 1) return;                              // not once: seen enough
    for (int i = 0; i < 100; ++i) loop.at(past + 3ms, [] {});  // the heap grows, and moves
    loop.at(past, [&] { order.push_back(earlier); });
  });
  loop.at(past + 4ms, [&] { order.push_back("last"); });
  loop.run();
  CHECK(order == std::vector<std::string>{"first", "earlier", "last"});
}

TEST_CASE("no callback runs before its time") {
  std::vector<Clock::duration> early;
  TimerLoop loop;
  for (auto delay : {15ms, 5ms, 10ms}) {
    Clock::time_point deadline = Clock::now() + delay;
    loop.at(deadline, [&early, deadline] { early.push_back(deadline - Clock::now()); });
    loop.after(delay, [&early, deadline] { early.push_back(deadline - Clock::now()); });
  }
  for (auto soon = 100us; soon < 5ms; soon += 100us) {
    Clock::time_point deadline = Clock::now() + 1ms + soon;
    loop.at(deadline, [&early, deadline] { early.push_back(deadline - Clock::now()); });
  }
  // A callback takes its time, and after() counts from the end of that, not from its beginning.
  loop.after(1ms, [&] {
    Clock::time_point end = Clock::now() + 3ms;
    while (Clock::now() < end) {
    }
    Clock::time_point deadline = Clock::now() + 2ms;
    loop.after(2ms, [&early, deadline] { early.push_back(deadline - Clock::now()); });
  });
  loop.run();
  CHECK(early.size() == 56);
  for (Clock::duration by : early) CHECK(by <= 0ms);
}

TEST_CASE("a delay counts from the call of after(), not from that of run()") {
  std::vector<std::string> order;
  TimerLoop loop;
  loop.after(3ms, [&] { order.push_back("three, and earlier"); });
  Clock::time_point end = Clock::now() + 3ms;
  while (Clock::now() < end) {
  }
  loop.after(1ms, [&] { order.push_back("one, and later"); });
  loop.run();
  CHECK(order == std::vector<std::string>{"three, and earlier", "one, and later"});
}

TEST_CASE("no callback is late for nothing: ten short waits in a row fit into a longer one") {
  // On a busy machine they may not: tried again.
  CHECK(testing::eventually([] {
    std::vector<std::string> order;
    TimerLoop loop;
    int left = 10;
    std::function<void()> short_wait = [&] {
      if (--left > 0) return loop.after(1ms, short_wait);
      order.push_back("ten short ones");
    };
    loop.after(1ms, short_wait);
    loop.after(40ms, [&] { order.push_back("a longer one"); });
    loop.run();
    return order == std::vector<std::string>{"ten short ones", "a longer one"};
  }));
}

TEST_CASE("a signal that interrupts the sleep makes no callback early") {
  testing::Faults faults("nanosleep*:every:EINTR");
  Clock::time_point deadline = Clock::now() + 20ms;
  bool early = true;
  TimerLoop loop;
  loop.at(deadline, [&] { early = Clock::now() < deadline; });
  loop.run();
  CHECK_FALSE(early);
}

TEST_CASE("the loop sleeps until the earliest deadline, once for each at most") {
  // A busy machine can be late for all of them, and then nobody has to sleep: tried again.
  bool slept = testing::eventually([] {
    TimerLoop loop;
    for (auto delay : {60ms, 20ms, 40ms}) loop.after(delay, [] {});
    std::size_t before = sleeps();
    loop.run();
    CHECK(sleeps() - before <= 3);
    return sleeps() - before >= 1;
  });
  CHECK(slept);
}

TEST_CASE("a deadline that has passed keeps its place, and less than no delay is none") {
  std::vector<std::string> order;
  TimerLoop loop;
  loop.after(0ms, [&] { order.push_back("none"); });
  loop.after(-1h, [&] { order.push_back("less than none"); });
  loop.at(past, [&] { order.push_back("past"); });
  loop.at(Clock::now(), [&] { order.push_back("now"); });
  loop.run();
  CHECK(order == std::vector<std::string>{"past", "none", "less than none", "now"});
}

TEST_CASE("a delay of zero does not run the callback inside after()") {
  std::vector<std::string> order;
  TimerLoop loop;
  loop.after(0ms, [&] {
    loop.after(0ms, [&] { order.push_back("second"); });
    order.push_back("first");
  });
  order.push_back("before run()");
  loop.run();
  CHECK(order == std::vector<std::string>{"before run()", "first", "second"});
}

TEST_CASE("a callback that starts itself again and again does not keep the others waiting") {
  bool other_had_its_turn = false;
  TimerLoop loop;
  std::function<void()> again = [&] {
    if (!other_had_its_turn) loop.after(0ms, again);
  };
  loop.after(0ms, again);
  loop.after(5ms, [&] { other_had_its_turn = true; });
  loop.run();
  CHECK(other_had_its_turn);
}

TEST_CASE("the longest delay that there is does not overflow") {
  TimerLoop loop;
  auto owned = std::make_shared<int>();
  loop.after(std::chrono::milliseconds::max(), [owned] { FAIL("ended much too early"); });
  loop.after(std::chrono::milliseconds::min(), [] {});
  loop.after(1ms, [] { throw std::runtime_error("out of run()"); });
  CHECK_THROWS_WITH_AS(loop.run(), "out of run()", std::runtime_error);
  CHECK(owned.use_count() == 2);  // it still waits
}

TEST_CASE("what a callback throws comes out of run(), and run() can go on with the others") {
  std::vector<std::string> order;
  TimerLoop loop;
  loop.at(past + 3ms, [&] { order.push_back("third"); });
  loop.at(past + 1ms, [&] { order.push_back("first"); });
  loop.at(past + 2ms, [] { throw std::runtime_error("the second"); });
  CHECK_THROWS_WITH_AS(loop.run(), "the second", std::runtime_error);
  CHECK(order == std::vector<std::string>{"first"});
  loop.run();
  CHECK(order == std::vector<std::string>{"first", "third"});
}

TEST_CASE("what a callback throws comes out as what it is, also if it is no std::exception") {
  TimerLoop loop;
  loop.at(past, [] { throw Spilled("the table"); });
  loop.at(past, [] { throw 2; });
  std::string where;
  try {
    loop.run();
  } catch (const Spilled& error) {
    where = error.where;
  } catch (const std::exception&) {
    where = "lost its type";
  }
  CHECK(where == "the table");
  CHECK_THROWS_AS(loop.run(), int);
  CHECK_NOTHROW(loop.run());
}

TEST_CASE("run() returns when no timer is left, and works again when there are new ones") {
  int count = 0;
  TimerLoop loop;
  loop.run();
  for (int round = 1; round <= 3; ++round) {
    loop.after(1ms, [&] { ++count; });
    loop.run();
    CHECK(count == round);
  }
}

TEST_CASE("callbacks run on the thread that is in run()") {
  TimerLoop loop;
  std::thread::id ran_on;
  loop.after(1ms, [&] { ran_on = std::this_thread::get_id(); });
  std::thread::id runs;
  std::jthread([&] {
    runs = std::this_thread::get_id();
    loop.run();
  }).join();
  CHECK(ran_on == runs);
}

TEST_CASE("a callback and what it owns are destroyed when it has run, before the next one runs") {
  auto owned = std::make_shared<int>();
  std::vector<long> owners;
  TimerLoop loop;
  loop.at(past, [owned] {});
  loop.at(past + 1ms, [owned] { throw std::runtime_error("also after this"); });
  loop.at(past + 2ms, [&] { owners.push_back(owned.use_count()); });
  CHECK(owned.use_count() == 3);
  CHECK_THROWS_AS(loop.run(), std::runtime_error);
  loop.run();
  CHECK(owners == std::vector<long>{1});
}

TEST_CASE("a callback and what it owns are destroyed before the loop sleeps") {
  struct NotesItsEnd {
    std::size_t& sleeps_before_end;
    ~NotesItsEnd() { sleeps_before_end = sleeps(); }
  };
  // A busy machine can be so late that nobody has to sleep: tried again.
  CHECK(testing::eventually([] {
    std::size_t at_call = 0, at_end = 0;
    TimerLoop loop;
    std::shared_ptr<NotesItsEnd> owned(new NotesItsEnd{at_end});
    loop.after(20ms, [] {});
    loop.at(past, [&at_call, owned] { at_call = sleeps(); });
    owned.reset();
    loop.run();
    CHECK(at_end == at_call);
    return sleeps() > at_call;
  }));
}

TEST_CASE("what a callback owns may add timers at its end, in run()") {
  struct AddsOneAtItsEnd {
    TimerLoop& loop;
    std::vector<std::string>& order;
    ~AddsOneAtItsEnd() {
      try {
        loop.at(past, [&seen = order] { seen.push_back("added"); });
      } catch (...) {  // not written yet: what comes next says so
      }
    }
  };
  std::vector<std::string> order;
  TimerLoop loop;
  std::shared_ptr<AddsOneAtItsEnd> owned(new AddsOneAtItsEnd{loop, order});
  loop.at(past, [&order, owned] { order.push_back("first"); });
  loop.at(past + 1ms, [&order] { order.push_back("last"); });
  owned.reset();
  loop.run();
  CHECK(order == std::vector<std::string>{"first", "added", "last"});
}

TEST_CASE("callbacks that never ran are destroyed with the loop, also those added meanwhile") {
  // What it adds adds one in its turn, a few times.
  struct AddsOneAtTheEnd {
    TimerLoop& loop;
    std::shared_ptr<int> owned;
    int more = 5;
    ~AddsOneAtTheEnd() {
      if (more == 0) return;
      try {
        std::shared_ptr<AddsOneAtTheEnd> next(new AddsOneAtTheEnd{loop, owned, more - 1});
        loop.after(4h, [next = std::move(next)] { FAIL("never has its turn"); });
      } catch (...) {  // not written yet: what comes next says so
      }
    }
  };
  auto owned = std::make_shared<int>();
  {
    TimerLoop loop;
    std::shared_ptr<AddsOneAtTheEnd> adds(new AddsOneAtTheEnd{loop, owned});
    loop.after(1h, [adds = std::move(adds)] { FAIL("never has its turn"); });
    loop.after(2h, [owned] { FAIL("never has its turn"); });
    loop.after(3h, [owned] { FAIL("never has its turn"); });
    CHECK(owned.use_count() == 4);
  }
  CHECK(owned.use_count() == 1);
}

TEST_CASE("the program's tasks wait at the same time: they end in the order of their delays") {
  // A busy machine can be so late for the second that the third starts too late: then once more.
  CHECK(
      testing::eventually([] { return task_events(testing::events(STAGE_PROGRAM)) == in_order; }));
}

TEST_CASE("the program sleeps once for each task at most, and signals do not matter") {
  testing::CountedResult counted;
  CHECK(testing::eventually([&] {
    counted = testing::counted_run(STAGE_PROGRAM);
    return counted.calls.at("nanosleep*") >= 1;
  }));
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(counted.calls.at("nanosleep*") <= 3);
  process::Result interrupted =
      testing::run(STAGE_PROGRAM, {}, "nanosleep*:every:EINTR write*:every:EINTR");
  INFO(interrupted.err);
  CHECK(interrupted.exit.describe() == "exit status 0");
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
  for (int line = 1; line <= 7; ++line) {  // also where a callback is what fails
    process::Result result =
        testing::run(STAGE_PROGRAM, {}, "write*:" + std::to_string(line) + ":ENOSPC");
    INFO("line ", line);
    CHECK(result.exit.describe() == "exit status 1");
    CHECK(result.err == "cannot write to standard output: No space left on device\n");
  }
}
