// Stage ch05/f: what does a switch cost, and what of that is necessary? New: three more ways to
// switch, each measured alone and in the runtime; and a pool of stacks.

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "measure.hpp"
#include "narrate/narrate.hpp"
#include "runtime.hpp"
#include "stage/stage.hpp"

namespace {

struct Row {
  const char* what;
  std::function<Nanoseconds()> alone;  // may be empty
  std::function<Nanoseconds()> in_runtime;
  std::vector<Nanoseconds> times_alone = {}, times_in_runtime = {};
};

template <Switch switch_with>
Row row(const char* what) {
  auto ping_pong = std::make_shared<PingPong<switch_with>>();
  return {what, [ping_pong] { return ping_pong->switches(20'000); },
          [] { return yields(switch_with, 10'000); }};
}

Row row(const char* what, std::size_t kept_stacks) {
  return {what, nullptr, [kept_stacks] {
            Runtime runtime(kept_stacks);
            return spawn_and_finish(runtime, 500);
          }};
}

std::string column(const std::vector<Nanoseconds>& times) {
  char text[20] = "";
  if (!times.empty()) std::snprintf(text, sizeof text, "%.1f ns", median(times).count());
  return text;
}

void measurements() {
  constexpr int rounds = 21;
  std::vector<Row> rows = {row<switch_context>("by ret"),
                           row<switch_by_jump>("by a jump"),
                           row<switch_registers>("by ret, no control words"),
                           row<switch_registers_by_jump>("by a jump, no control words"),
                           row("spawn + return, a new stack", 0),
                           row("spawn + return, a kept stack", 1)};

  narrate::set_silent(true);  // what is measured shall not print
  // In turn, so that what disturbs the machine for a while disturbs all of them.
  for (int round = 0; round != rounds; ++round) {
    for (Row& row : rows) {
      if (row.alone) row.times_alone.push_back(row.alone());
      row.times_in_runtime.push_back(row.in_runtime());
    }
  }
  narrate::set_silent(false);

  char line[80];
  std::snprintf(line, sizeof line, "%-28s %14s %14s", "", "alone", "in the runtime");
  narrate::print(line);
  for (const Row& row : rows) {
    std::snprintf(line, sizeof line, "%-28s %14s %14s", row.what, column(row.times_alone).c_str(),
                  column(row.times_in_runtime).c_str());
    narrate::print(line);
  }
  narrate::print("(medians of " + std::to_string(rounds) + " rounds)");
}

}  // namespace

int main() { return stage::run(measurements); }
