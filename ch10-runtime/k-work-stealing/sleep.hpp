#pragma once
// Waiting for nothing but time.

#include <chrono>
#include <coroutine>

#include "reactor.hpp"
#include "readiness.hpp"
#include "wait.hpp"

// `co_await sleep_until(…)`: goes on at that time or a little later, never earlier. Throws
// Cancelled.
class Sleep {
 public:
  explicit Sleep(Clock::time_point deadline) : wait_(nothing_, deadline) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    return wait_.await_suspend(handle);
  }
  void await_resume() { wait_.await_resume(); }

 private:
  Readiness nothing_;  // happens to it but the deadline, or a stop
  Wait wait_;
};

inline Sleep sleep_until(Clock::time_point deadline) { return Sleep(deadline); }
inline Sleep sleep_for(Clock::duration time) {
  Clock::time_point now = Clock::now();
  return Sleep(time < never - now ? now + time : never);
}
