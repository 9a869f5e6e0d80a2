// What a poll costs, and a whole run, of one function that waits twice: cut by hand, by corofy
// ("ours"), and by the compiler. What they wait for needs no network, and hardly any time. Nobody
// hears what the compiler's coroutine narrates, but it counts its frames and stops all the same.

#include <climits>
#include <optional>
#include <string>
#include <utility>

#include "bench/bench.hpp"
#include "by_hand.hpp"
#include "countdown.hpp"
#include "future.hpp"
#include "task.hpp"
#include "waits_twice_corofied.hpp"

namespace {

// The same function three times: this, waits_twice() of corofy's, and …
ByHand by_hand(long times_1, long times_2) { return ByHand(times_1, times_2); }

// … that of the compiler.
Task<std::string> by_compiler(long times_1, long times_2) {
  std::string first = co_await countdown(times_1, "request");
  std::string second = co_await countdown(times_2, first + "-b");
  co_return second;
}

// As whoever polls a future sees it: the compiler shall not know whose poll() that is.
bool is_ready(Future<std::string>& future) {
  Future<std::string>* any = &future;
  asm volatile("" : "+r"(any) : : "memory");
  return any->poll().has_value();
}

// ---- One poll that is not ready

// Of two futures in turn: one that has stopped at the first wait, and one at the second.
template <auto function>
class Waiting {
 public:
  Waiting() { poll_both(); }
  void poll_both() {
    (void)is_ready(at_first_);
    (void)is_ready(at_second_);
  }

 private:
  static constexpr long never = LONG_MAX;
  decltype(function(0, 0)) at_first_ = function(never, 0), at_second_ = function(0, never);
};

template <auto function>
double time_of_a_poll() {
  Waiting<function> futures;
  return bench::nanoseconds(3'000'000, [&] { futures.poll_both(); }) / 2;
}

// A future that does nothing: what is left is the virtual call.
class Idle final : public Future<std::string> {
 public:
  PollState<std::string> poll() override { return std::nullopt; }
};
Idle idle(long, long) { return {}; }

// ---- From the call of the function to the end of its future

template <auto function>
void whole_run() {
  auto future = function(5, 5);  // not ready ten times
  while (!is_ready(future)) continue;
}

template <auto function>
double time_of_a_run() {
  return bench::nanoseconds(500'000, whole_run<function>);
}

// ---- Instructions

template <auto function>
double instructions_of_a_poll() {
  Waiting<function> futures;
  return bench::instructions([&] { futures.poll_both(); }) / 2;
}

template <auto function>
double instructions_of_a_run() {
  return bench::instructions(whole_run<function>);
}

// ---- Memory

template <auto function>
double bytes() {
  return sizeof(function(0, 0));
}

// Where there is a frame besides.
double bytes_of_the_coroutine() {
  auto task = by_compiler(0, 0);
  return static_cast<double>(NarratedFrame::bytes + sizeof task);
}

// ---- Rows

bench::Row by_hand_too(std::string name, std::string unit, double (*ours)(), double (*theirs)(),
                       std::optional<double> goal = {}) {
  bench::Row row{std::move(name), std::move(unit), ours, bench::Peer{"by hand", "", theirs}, goal};
  return row.unit == "instructions" ? bench::counted_by_valgrind(std::move(row)) : row;
}

bench::Row called_too(std::string unit, double (*ours)(), double (*theirs)()) {
  bench::Row row = by_hand_too("a poll and a virtual call", std::move(unit), ours, theirs);
  row.peer->name = "virtual call";
  return row;
}

}  // namespace

int main() {
  return bench::run({
      by_hand_too("poll, not ready", "ns", time_of_a_poll<waits_twice>, time_of_a_poll<by_hand>, 1),
      by_hand_too("poll, not ready", "instructions", instructions_of_a_poll<waits_twice>,
                  instructions_of_a_poll<by_hand>, 1),
      by_hand_too("start to end, 11 polls", "ns", time_of_a_run<waits_twice>,
                  time_of_a_run<by_hand>),
      by_hand_too("start to end, 11 polls", "instructions", instructions_of_a_run<waits_twice>,
                  instructions_of_a_run<by_hand>),
      by_hand_too("memory", "bytes", bytes<waits_twice>, bytes<by_hand>, 1),

      by_hand_too("co_await: poll, not ready", "ns", time_of_a_poll<by_compiler>,
                  time_of_a_poll<by_hand>),
      by_hand_too("co_await: poll, not ready", "instructions", instructions_of_a_poll<by_compiler>,
                  instructions_of_a_poll<by_hand>),
      by_hand_too("co_await: start to end", "ns", time_of_a_run<by_compiler>,
                  time_of_a_run<by_hand>),
      by_hand_too("co_await: start to end", "instructions", instructions_of_a_run<by_compiler>,
                  instructions_of_a_run<by_hand>),
      by_hand_too("co_await: memory, with frame", "bytes", bytes_of_the_coroutine, bytes<by_hand>),

      called_too("ns", time_of_a_poll<waits_twice>, time_of_a_poll<idle>),
      called_too("instructions", instructions_of_a_poll<waits_twice>, instructions_of_a_poll<idle>),
  });
}
