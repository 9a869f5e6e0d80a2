// Stage ch01/b: what does it cost to give every task a thread of its own? New: we measure it, in
// time and in memory, beside a function call.

#include <cstdio>
#include <string>
#include <vector>

#include "costs.hpp"
#include "measure.hpp"
#include "narrate/narrate.hpp"
#include "stack.hpp"
#include "stage/stage.hpp"

namespace {

struct Row {
  const char* what;
  Nanoseconds (*one_round)();
  std::vector<Nanoseconds> times = {};
};

void example() {
  constexpr int rounds = 21;
  constexpr int sleepers = 64;
  // The head of the table first: where nobody can see it, there is nothing to measure.
  char line[120];
  std::snprintf(line, sizeof line, "%-32s %19s %20s", "", "time", "in function calls");
  narrate::print(line);
  // Memory before time: later, some of the stacks would be those of threads that are gone.
  Stack stack = stack_of_a_sleeping_thread(sleepers);

  std::vector<Row> rows = {{"a function call", function_call},
                           {"a system call", system_call},
                           {"a switch to another thread", thread_switch},
                           {"a thread, from start to join", start_and_join}};
  // In turn, so that what disturbs the machine for a while disturbs all of them.
  for (int round = 0; round != rounds; ++round)
    for (Row& row : rows) row.times.push_back(row.one_round());

  for (const Row& row : rows) {
    Nanoseconds time = median(row.times), call = median(rows.front().times);
    std::snprintf(line, sizeof line, "%-32s %16.1f ns %20.0f", row.what, time.count(), time / call);
    narrate::print(line);
  }
  narrate::print("(medians of " + std::to_string(rounds) + " rounds, nothing subtracted)");
  std::snprintf(line, sizeof line, "the stack of a thread: %zu KiB of addresses reserved",
                stack.reserved_kib);
  narrate::print(line);
  std::snprintf(line, sizeof line,
                "a sleeping thread:     %.1f KiB of memory in use (average of %d)",
                stack.resident_kib, sleepers);
  narrate::print(line);
}

}  // namespace

int main() { return stage::run(example); }
