#pragma once
// Who is to be resumed next.

#include <coroutine>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

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
      pushed_.push_back(handle);
    }
    parker_.unpark();
  }

  // The one that has waited longest, or nullptr. For the executor's own thread.
  std::coroutine_handle<> pop() {
    if (popped_ == taken_.size()) {
      taken_.clear();
      popped_ = 0;
      std::lock_guard lock(mutex_);
      taken_.swap(pushed_);
      if (taken_.empty()) return nullptr;
    }
    return taken_[popped_++];
  }

  // Sleeps until something has been pushed since it was last asked, or the reactor has somebody.
  void wait() { append(parker_.park()); }
  // Asks the reactor, too, but does not sleep.
  void look() { append(reactor_.look()); }

 private:
  // On the executor's own thread, which is awake.
  void append(std::span<const std::coroutine_handle<>> next) {
    std::lock_guard lock(mutex_);
    pushed_.insert(pushed_.end(), next.begin(), next.end());
  }

  Reactor& reactor_;
  std::mutex mutex_;
  std::vector<std::coroutine_handle<>> pushed_;
  // All of the others at once: so both keep their memory, and a push allocates nothing.
  std::vector<std::coroutine_handle<>> taken_;
  std::size_t popped_ = 0;  // of these
  Parker parker_;
};
