#pragma once
// How long a switch takes, and a fiber from spawn to its end. (How to measure what takes
// nanoseconds is told in chapter 1, stage b.)

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <ratio>
#include <vector>

#include "context.hpp"
#include "runtime.hpp"
#include "sanitizers.hpp"

using Nanoseconds = std::chrono::duration<double, std::nano>;

// The time of one, on average.
template <class Action>
[[gnu::always_inline]] inline Nanoseconds time_of_one(int times, Action action) {
  auto start = Clock::now();
  for (int i = 0; i != times; ++i) action();
  return Nanoseconds(Clock::now() - start) / times;
}

inline Nanoseconds median(std::vector<Nanoseconds> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Two stacks, and nothing else: no runtime, no queue. A template, so that the function is called
// directly.
template <Switch switch_to>
class PingPong {
 public:
  PingPong() : memory_(std::make_unique<std::byte[]>(size)), watch_({memory_.get(), size}) {
    there_ = prepare({memory_.get(), size}, back_for_ever, nullptr);
  }

  // One round of so many switches to the other stack, and as many back.
  Nanoseconds switches(int times) {
    running = this;
    return time_of_one(times,
                       [this] {
                         StackWatch::before_switch(own_, watch_);
                         switch_to(&here_, &there_);
                       }) /
           2;
  }

 private:
  static constexpr std::size_t size = 64 * 1024;
  static inline PingPong* running = nullptr;  // the function on the other stack has no argument

  static void back_for_ever() {
    for (PingPong& self = *running;;) {
      StackWatch::before_switch(self.watch_, self.own_);
      switch_to(&self.there_, &self.here_);
    }
  }

  std::unique_ptr<std::byte[]> memory_;
  StackWatch own_, watch_;
  Context here_, there_;
};

// One round of two fibers that yield so many times each: a switch, and what the runtime does for
// it.
inline Nanoseconds yields(Switch switch_with, int times) {
  Runtime runtime(2, switch_with);
  for (int i = 0; i != 2; ++i)
    runtime.spawn([times] {
      for (int n = 0; n != times; ++n) yield();
    });
  return time_of_one(1, [&runtime] { runtime.run(); }) / (3 * times);  // main has its turns, too
}

// One round of so many fibers that return at once, one after the other.
inline Nanoseconds spawn_and_finish(Runtime& runtime, int times) {
  return time_of_one(times, [&runtime] {
    runtime.spawn([] {});
    runtime.run();
  });
}
