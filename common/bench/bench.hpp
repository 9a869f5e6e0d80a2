#pragma once
// Measurements: what something costs, ours beside a peer's. CHAPTER/bench/STAGE.cpp lists rows:
//
//   int main() {
//     return bench::run({
//         {"switch", "ns", [] { return bench::nanoseconds(100'000, switch_to_and_fro) / 2; },
//          bench::Peer{"Boost.Context 1.74", "libboost-context-dev", boost_switch}, 1.02},
//         {"memory of a waiting fiber", "bytes", bytes_of_a_waiting_fiber},
//     });
//   }
//
// `./course bench CHAPTER` builds that with optimisation, runs it and draws the table.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bench {

// Takes one sample: a cost in the row's unit. Less is better.
using Sample = std::function<double()>;

struct Peer {
  std::string name;     // with its version, if it has one: "Boost.Context 1.74"
  std::string package;  // Debian's, if it needs one: the reader is told where it is missing
  Sample sample = {};   // none where the package is missing
};

struct Row {
  std::string name;  // "switch"
  std::string unit;  // "ns", "bytes", "instructions", …
  Sample ours;       // none where its package is missing
  std::optional<Peer> peer = {};
  std::optional<double> goal = {};  // the ratio ours / theirs that we want, or less
  std::string package = {};         // Debian's, if ours needs one: "valgrind" to count instructions
};

// The row, whose figures valgrind counts; without ours where it was missing when the bench was
// built. (Static, because every bench is built with what its stage has found.)
static inline Row counted_by_valgrind(Row row) {
  row.package = "valgrind";
#ifndef HAVE_VALGRIND
  row.ours = {};
#endif
  return row;
}

// All of a bench's main(): measures, and prints the results as JSON. How far it is stands on
// standard error meanwhile, and narration is silent. In one round each row takes one sample of ours
// and one of the peer's; a disturbance then meets all of them. Returns the exit status: 0, or 1
// with a line on standard error if a sample threw something.
int run(const std::vector<Row>& rows, int rounds = 7);

// With COURSE_BENCH_QUICK in the environment nothing is measured: one round of few repetitions
// shows that the bench works.
[[nodiscard]] bool quick();

namespace detail {
// Counts all that this program does with so many calls in the sample.
using Counter = std::function<double(int times)>;
Counter instructions();
Counter system_calls(const std::string& name);
// What so many more calls cost …
double counted(const Counter& counter, int few, int many,
               const std::function<void(int times)>& repeat);
// … counted in the first round only.
double counted_once(const Counter& counter, int few, int many,
                    const std::function<void(int times)>& repeat);
}  // namespace detail

// How long one call of `action` takes, on average over `times` of them.
template <class Action>
double nanoseconds(int times, Action action) {
  if (quick()) times = 1 + times / 1000;
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i != times; ++i) action();
  std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / times;
}

// How many instructions something takes that repeats itself, as often as `repeat` is told. Counted
// as instructions(), below, does it.
inline double repeated_instructions(const std::function<void(int times)>& repeat) {
  constexpr int few = 10'000, many = 20'000;
  return detail::counted_once(detail::instructions(), few, many, repeat) / (many - few);
}

// How many instructions one call of `action` takes, that of the loop around it included. valgrind's
// callgrind counts them, because many a machine does not let a program see the counters of its CPU.
// They are the same each time, and are counted once. Only for the samples of run(): the program
// runs again under callgrind, with the same sample and different numbers of calls. So what a sample
// does before it calls this must not depend on anything that was done before it. In quick mode: 0.
template <class Action>
double instructions(Action action) {
  return repeated_instructions([&action](int times) {
    for (int i = 0; i != times; ++i) action();
  });
}

// How many instructions one call of `action` takes that is long enough to be counted alone: against
// a run of the program without that call. They may depend on the time that the call takes.
template <class Action>
double instructions_of_one(Action action) {
  return detail::counted(detail::instructions(), 0, 1, [&action](int times) {
    if (times == 1) action();
  });
}

// In the same way how many system calls of that name, of all threads, also those that libc makes by
// itself. strace counts them, and slows down these only.
template <class Action>
double system_calls_of_one(const std::string& name, Action action) {
  return detail::counted(detail::system_calls(name), 0, 1, [&action](int times) {
    if (times == 1) action();
  });
}

// What samples come to.
struct Figures {
  double median, least, most;
};
[[nodiscard]] Figures figures(std::vector<double> samples);  // of at least one

// What run() prints: the object, on one line.
[[nodiscard]] std::string measure(const std::vector<Row>& rows, int rounds);

}  // namespace bench
