#pragma once
// Who is next on one worker, and what others may steal from it.

#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>

// The deque of Chase and Lev (2005). Its owner pushes and pops at the bottom, the newest first,
// while what it needs is still in the cache. Thieves take from the top, the oldest first: in a tree
// of tasks that is the largest piece of work. The owner takes no lock, and meets the thieves only
// at the last item.
class WorkQueue {
 public:
  // False: it is full. By the owner.
  [[nodiscard]] bool push(std::coroutine_handle<> handle) noexcept {
    std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    if (bottom - top_.load(std::memory_order_acquire) == capacity) return false;
    at(bottom).store(handle.address(), std::memory_order_relaxed);
    // Whoever sees the new bottom sees the item, and what was done before.
    std::atomic_thread_fence(std::memory_order_release);
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return true;
  }

  // The newest; none, or the last one was stolen: nullptr. By the owner.
  std::coroutine_handle<> pop() noexcept {
    std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    if (top_.load(std::memory_order_relaxed) > bottom) return nullptr;
    // First it says which one it takes, then it looks at the top; a thief looks at the top first,
    // then at the bottom. So one of the two sees the other, for between the two each has a fence.
    bottom_.store(bottom, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    std::int64_t top = top_.load(std::memory_order_relaxed);
    if (top < bottom) return item(bottom);
    // The last one: whoever moves the top has it.
    bool won =
        top == bottom && top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst);
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return won ? item(bottom) : nullptr;
  }

  // The oldest; none, or another one was faster: nullptr. By anybody.
  std::coroutine_handle<> steal() noexcept {
    std::int64_t top = top_.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (top >= bottom_.load(std::memory_order_acquire)) return nullptr;
    // Before the exchange: afterwards the owner may use the place again.
    std::coroutine_handle<> handle = item(top);
    return top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst) ? handle : nullptr;
  }

  // By anybody: it may be otherwise by now.
  [[nodiscard]] bool empty() const noexcept {
    return top_.load(std::memory_order_seq_cst) >= bottom_.load(std::memory_order_seq_cst);
  }

 private:
  static constexpr std::int64_t capacity = 1024;

  std::atomic<void*>& at(std::int64_t i) noexcept {
    return ring_[static_cast<std::size_t>(i % capacity)];
  }
  std::coroutine_handle<> item(std::int64_t i) noexcept {
    return std::coroutine_handle<>::from_address(at(i).load(std::memory_order_relaxed));
  }

  // In cache lines of their own: thieves who look at the top do not slow down the owner.
  alignas(64) std::atomic<std::int64_t> top_ = 0;
  alignas(64) std::atomic<std::int64_t> bottom_ = 0;
  std::array<std::atomic<void*>, capacity> ring_{};
};
