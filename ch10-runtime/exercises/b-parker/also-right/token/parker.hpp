#pragma once
// Where a thread sleeps until another one tells it to go on: one token, which is there or not, as a
// binary semaphore has.

#include <atomic>

class Parker {
 public:
  void park() {
    while (token_.exchange(0, std::memory_order_acquire) == 0) token_.wait(0);
  }
  void unpark() {
    token_.exchange(1, std::memory_order_acq_rel);
    token_.notify_one();
  }

 private:
  std::atomic<int> token_ = 0;
};
