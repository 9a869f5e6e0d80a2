#pragma once
// Where a thread sleeps until another one tells it to go on.

#include <atomic>

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once. Several count as one.
class Parker {
 public:
  void park() {
    while (!unparked_.exchange(false, std::memory_order_acquire))
      unparked_.wait(false, std::memory_order_relaxed);
  }
  void unpark() {
    unparked_.store(true, std::memory_order_release);
    unparked_.notify_one();
  }

 private:
  std::atomic<bool> unparked_ = false;
};
