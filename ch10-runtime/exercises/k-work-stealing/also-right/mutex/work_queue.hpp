#pragma once
// Who is next on one worker, and what others may steal from it.

#include <coroutine>
#include <cstddef>
#include <deque>
#include <mutex>

// Under a lock: what the owner pays for it in every push() and pop() the bench says.
class WorkQueue {
 public:
  [[nodiscard]] bool push(std::coroutine_handle<> handle) {
    std::lock_guard lock(mutex_);
    if (items_.size() == capacity) return false;
    items_.push_back(handle);
    return true;
  }
  std::coroutine_handle<> pop() {
    std::lock_guard lock(mutex_);
    if (items_.empty()) return nullptr;
    std::coroutine_handle<> handle = items_.back();
    items_.pop_back();
    return handle;
  }
  std::coroutine_handle<> steal() {
    std::lock_guard lock(mutex_);
    if (items_.empty()) return nullptr;
    std::coroutine_handle<> handle = items_.front();
    items_.pop_front();
    return handle;
  }
  [[nodiscard]] bool empty() const {
    std::lock_guard lock(mutex_);
    return items_.empty();
  }

 private:
  static constexpr std::size_t capacity = 1024;
  mutable std::mutex mutex_;
  std::deque<std::coroutine_handle<>> items_;
};
