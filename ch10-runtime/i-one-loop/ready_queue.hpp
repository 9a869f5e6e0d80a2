#pragma once
// Who is to be resumed next.

#include <coroutine>
#include <deque>
#include <mutex>
#include <span>
#include <utility>

#include "parker.hpp"
#include "reactor.hpp"

// Belongs to an executor. First in, first out. Any thread may push: that is all that it takes to
// wake a coroutine. Its handle may stand here once, or be where it will be pushed from, but never
// both, and it must not be destroyed meanwhile.
class ReadyQueue {
 public:
  explicit ReadyQueue(Reactor& reactor) : reactor_(reactor), parker_(reactor) {}

  // First the handle, then the call: whoever wakes up from it finds the handle.
  void push(std::coroutine_handle<> handle) {
    {
      std::lock_guard lock(mutex_);
      handles_.push_back(handle);
    }
    parker_.unpark();
  }

  // The one that has waited longest, or nullptr.
  std::coroutine_handle<> pop() {
    std::lock_guard lock(mutex_);
    if (handles_.empty()) return nullptr;
    std::coroutine_handle<> handle = handles_.front();
    handles_.pop_front();
    return handle;
  }

  // Sleeps until something has been pushed since it was last asked, or the reactor has somebody.
  void wait() { append(parker_.park()); }
  // Asks the reactor, too, but does not sleep.
  void look() { append(reactor_.look()); }

 private:
  // On the executor's own thread, which is awake.
  void append(std::span<const std::coroutine_handle<>> next) {
    std::lock_guard lock(mutex_);
    handles_.insert(handles_.end(), next.begin(), next.end());
  }

  Reactor& reactor_;
  std::mutex mutex_;
  std::deque<std::coroutine_handle<>> handles_;
  Parker parker_;
};
