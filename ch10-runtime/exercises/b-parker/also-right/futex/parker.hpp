#pragma once
// Where a thread sleeps until another one tells it to go on: the kernel's futex, by hand.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

class Parker {
 public:
  void park() noexcept {
    // 0 becomes -1: parked. 1 becomes 0: the token is taken.
    if (word_.fetch_sub(1, std::memory_order_acq_rel) == 1) return;
    std::int32_t unparked = 1;
    while (!word_.compare_exchange_strong(unparked, 0, std::memory_order_acquire)) {
      ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, -1, nullptr, nullptr, 0);
      unparked = 1;
    }
  }
  void unpark() noexcept {
    if (word_.exchange(1, std::memory_order_acq_rel) == -1)
      ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

 private:
  std::atomic<std::int32_t> word_ = 0;
};
