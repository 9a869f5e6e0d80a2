#pragma once
// Waiting for nothing but time.

#include <chrono>
#include <coroutine>

#include "executor.hpp"
#include "reactor.hpp"

// `co_await sleep_until(…)`: goes on at that time or a little later, never earlier.
class Sleep {
 public:
  explicit Sleep(Clock::time_point deadline) : deadline_(deadline) {}

  bool await_ready() const noexcept { return deadline_ <= Clock::now(); }
  bool await_suspend(std::coroutine_handle<> handle) {
    return timer_.wait(handle, Executor::current().ready(), deadline_);
  }
  void await_resume() const noexcept {}

 private:
  Clock::time_point deadline_;
  Registration timer_ = Reactor::current().add_timer();
};

inline Sleep sleep_until(Clock::time_point deadline) { return Sleep(deadline); }
inline Sleep sleep_for(Clock::duration time) {
  Clock::time_point now = Clock::now();
  return Sleep(time < never - now ? now + time : never);
}
