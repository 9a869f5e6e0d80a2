#pragma once
// Programs that nobody would write by hand: a seed decides what their tasks do (spawn, join, race,
// fail, stop each other, form groups), and which of those that are ready is next. There is no other
// thread and no time in them, so a seed is the same program in the same order in every run. A case
// that fails names its seed; with that in the environment as COURSE_SEED nothing else is run.
//
// To be included before everything else of the stage: its queue gets another order.

#include <coroutine>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#define ReadyQueue FirstInFirstOut
#include "ready_queue.hpp"
#undef ReadyQueue

namespace schedules {
inline std::mt19937* dice = nullptr;  // none: first in, first out

inline std::size_t roll(std::size_t sides) { return (*dice)() % sides; }
}  // namespace schedules

// In place of the stage's: the same, but where there are dice, they decide who is next.
class ReadyQueue : public FirstInFirstOut {
 public:
  using FirstInFirstOut::FirstInFirstOut;
  std::coroutine_handle<> pop() {
    if (schedules::dice == nullptr) return FirstInFirstOut::pop();
    while (std::coroutine_handle<> handle = FirstInFirstOut::pop()) handles_.push_back(handle);
    if (handles_.empty()) return nullptr;
    std::swap(handles_[schedules::roll(handles_.size())], handles_.back());
    std::coroutine_handle<> next = handles_.back();
    handles_.pop_back();
    return next;
  }
  void wait() {
    if (schedules::dice != nullptr) throw std::logic_error("tasks wait, and nobody will wake them");
    FirstInFirstOut::wait();
  }

 private:
  std::vector<std::coroutine_handle<>> handles_;  // all that stand in the queue
};
