#pragma once
// What has happened to one direction of a source, and who waits for it: under a lock.

#include <coroutine>
#include <mutex>
#include <utility>

class Readiness {
 public:
  [[nodiscard]] bool wait(std::coroutine_handle<> handle) {
    std::lock_guard lock(mutex_);
    if (closed_ || std::exchange(ready_, false)) return false;
    waiting_ = handle;
    return true;
  }

  std::coroutine_handle<> set() {
    std::lock_guard lock(mutex_);
    ready_ = waiting_ == nullptr;
    return std::exchange(waiting_, nullptr);
  }
  [[nodiscard]] std::coroutine_handle<> close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    return std::exchange(waiting_, nullptr);
  }
  void reset() {
    std::lock_guard lock(mutex_);
    closed_ = ready_ = false;
    waiting_ = nullptr;
  }

 private:
  std::mutex mutex_;
  bool ready_ = false, closed_ = false;
  std::coroutine_handle<> waiting_ = nullptr;
};
