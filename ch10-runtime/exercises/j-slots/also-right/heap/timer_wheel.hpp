#pragma once
// Deadlines in order: a skew heap, whose nodes are the timers themselves.

#include <cstdint>
#include <utility>

#include "readiness.hpp"

// A point in time, in milliseconds.
using Tick = std::uint64_t;

struct Timer {
  Tick deadline = 0;
  Readiness* readiness = nullptr;
  bool passed = false;
  Timer* left = nullptr;   // none of them comes before this one,
  Timer* right = nullptr;  // nor of these
  Timer** link = nullptr;  // what points to this one; nullptr: it is in no heap
};

class TimerWheel {
 public:
  static constexpr Tick never = ~Tick{0};

  explicit TimerWheel(Tick) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void add(Timer& timer) noexcept {
    timer.left = timer.right = nullptr;
    merge_into(&first_, first_, &timer);
  }

  static void remove(Timer& timer) noexcept {
    if (timer.link == nullptr) return;
    merge_into(timer.link, timer.left, timer.right);
    timer.link = nullptr;
  }

  [[nodiscard]] Tick next() const noexcept { return first_ == nullptr ? never : first_->deadline; }

  template <class Passed>
  void advance(Tick now, Passed passed) {
    while (first_ != nullptr && first_->deadline <= now) {
      Timer& timer = *first_;
      remove(timer);
      passed(timer);
    }
  }

 private:
  // Down the right edges of both, and on the way back left and right change sides.
  static void merge_into(Timer** place, Timer* a, Timer* b) noexcept {
    while (a != nullptr && b != nullptr) {
      if (b->deadline < a->deadline) std::swap(a, b);
      *place = a;
      a->link = place;
      Timer* rest = a->right;
      a->right = a->left;
      if (a->right != nullptr) a->right->link = &a->right;
      place = &a->left;
      a = rest;
    }
    *place = a != nullptr ? a : b;
    if (*place != nullptr) (*place)->link = place;
  }

  Timer* first_ = nullptr;
};
