#pragma once
// Who is next on one worker, and what others may steal from it.

#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

// The deque of Chase and Lev (2005). Its owner pushes and pops at the bottom, the newest first,
// while what it needs is still in the cache. Thieves take from the top, the oldest first: in a tree
// of tasks that is the largest piece of work. The owner takes no lock, and meets the thieves only
// at the last item.
class WorkQueue {
 public:
  // False: it is full, and nothing has changed. There is room for 1024. By the owner.
  [[nodiscard]] bool push(std::coroutine_handle<> handle) {
    (void)handle;
    // What was written before is seen by whoever pops or steals it.
    throw std::logic_error("WorkQueue::push() is yours to write");
  }

  // The newest; none, or the last one was stolen: nullptr. By the owner.
  std::coroutine_handle<> pop() {
    // First say which one you take, then look at the top: for a thief looks at the top first, then
    // at the bottom. Only the last one is disputed; top_.compare_exchange_strong() decides whose it
    // is.
    throw std::logic_error("WorkQueue::pop() is yours to write");
  }

  // The oldest; none, or another one was faster: nullptr. By anybody.
  std::coroutine_handle<> steal() {
    throw std::logic_error("WorkQueue::steal() is yours to write");
  }

  // By anybody: it may be otherwise by now.
  [[nodiscard]] bool empty() const {
    throw std::logic_error("WorkQueue::empty() is yours to write");
  }

 private:
  static constexpr std::int64_t capacity = 1024;

  // Both only count up in the long run: item number i lies in ring_[i % capacity]. Those from top_
  // up to the one before bottom_ are in the queue. A thief moves the top, the owner the bottom.
  // In cache lines of their own: thieves who look at the top do not slow down the owner.
  alignas(64) std::atomic<std::int64_t> top_ = 0;
  alignas(64) std::atomic<std::int64_t> bottom_ = 0;
  std::array<std::atomic<void*>, capacity> ring_{};
};
