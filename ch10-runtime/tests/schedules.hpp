#pragma once
// Programs that nobody would write by hand: a seed decides what their tasks do (spawn, join, race,
// fail, stop each other, form groups), and which of those that are ready is next. There is no other
// thread and no time in them, so a seed is the same program in the same order in every run. A case
// that fails names its seed; with that in the environment as COURSE_SEED nothing else is run.
//
// To be included before everything else of the stage: its queue gets another order.

#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

// The stage's own queue. (Only its name is not used.)
#define ReadyQueue FirstInFirstOut
#include "ready_queue.hpp"
#undef ReadyQueue

namespace schedules {
inline std::mt19937* dice = nullptr;  // none: first in, first out

inline std::size_t roll(std::size_t sides) { return (*dice)() % sides; }
}  // namespace schedules

class ReadyQueue {
 public:
  void push(std::coroutine_handle<> handle) {
    {
      std::lock_guard lock(mutex_);
      handles_.push_back(handle);
    }
    parker_.unpark();
  }
  std::coroutine_handle<> pop() {
    std::lock_guard lock(mutex_);
    if (handles_.empty()) return nullptr;
    std::size_t next = schedules::dice != nullptr ? schedules::roll(handles_.size()) : 0;
    std::coroutine_handle<> handle = handles_[next];
    handles_.erase(handles_.begin() + static_cast<std::ptrdiff_t>(next));
    return handle;
  }
  void wait() {
    if (schedules::dice != nullptr) throw std::logic_error("tasks wait, and nobody will wake them");
    parker_.park();
  }

 private:
  std::mutex mutex_;
  std::vector<std::coroutine_handle<>> handles_;
  Parker parker_;
};
