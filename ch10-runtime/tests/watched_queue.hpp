#pragma once
// The stage's queue, with somebody who looks on. To be included before everything else of the
// stage.

#include <atomic>
#include <coroutine>
#include <functional>

#define ReadyQueue FirstInFirstOut
#include "ready_queue.hpp"
#undef ReadyQueue

// In place of the stage's: the same, and a case may do something before one is pushed, or before
// the executor parks.
class ReadyQueue : public FirstInFirstOut {
 public:
  // As long as it lives it hears of all queues. Made before those who push, and destroyed after.
  struct Watch {
    Watch() { watch_ = this; }
    Watch(const Watch&) = delete;
    ~Watch() { watch_ = nullptr; }
    std::function<void(ReadyQueue&)> before_push, before_park;
  };

  ReadyQueue() { ++alive; }
  ~ReadyQueue() { --alive; }
  static inline std::atomic<int> alive = 0;

  void push(std::coroutine_handle<> handle) {
    if (watch_ != nullptr && watch_->before_push) watch_->before_push(*this);
    pushed_ = true;
    FirstInFirstOut::push(handle);
  }
  void wait() {
    if (watch_ != nullptr && watch_->before_park) watch_->before_park(*this);
    pushed_ = false;
    FirstInFirstOut::wait();
  }
  // Whether nothing has been pushed since the last wait(). (Where one thread does all.)
  [[nodiscard]] bool would_sleep() const { return !pushed_; }

 private:
  static inline Watch* watch_ = nullptr;
  std::atomic<bool> pushed_ = false;
};
