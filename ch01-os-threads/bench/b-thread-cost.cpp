// The costs that ch01/b prints, with optimisation; and beside std::jthread the thread of the C
// library that is inside.

#include <pthread.h>

#include "bench/bench.hpp"
#include "costs.hpp"
#include "stack.hpp"

namespace {

constexpr int repetitions = 100;  // of what costs.hpp does

bench::Sample average(Nanoseconds (*cost)()) {
  return [cost] {
    Nanoseconds sum{0};
    int times = bench::quick() ? 1 : repetitions;
    for (int i = 0; i != times; ++i) sum += cost();
    return sum.count() / times;
  };
}

double pthread_start_and_join() {
  return bench::nanoseconds(20 * repetitions, [] {
    pthread_t thread;
    auto body = [](void*) -> void* {
      do_nothing();
      return nullptr;
    };
    if (int error = ::pthread_create(&thread, nullptr, body, nullptr); error != 0)
      throw std::system_error(error, std::generic_category(), "pthread_create");
    ::pthread_join(thread, nullptr);
  });
}

// Looked at once, and first: later threads take over stacks of threads that are gone, with memory
// in them.
double bytes_of_a_sleeping_thread() {
  static const double bytes = 1024 * stack_of_a_sleeping_thread(64).resident_kib;
  return bytes;
}

}  // namespace

int main() {
  return bench::run({
      {"memory of a sleeping thread", "bytes", bytes_of_a_sleeping_thread},
      {"a function call", "ns", average(function_call)},
      {"a system call", "ns", average(system_call)},
      {"a switch to another thread", "ns", average(thread_switch)},
      {"a thread, from start to join", "ns", average(start_and_join),
       bench::Peer{"pthread_create", "", pthread_start_and_join}},
  });
}
