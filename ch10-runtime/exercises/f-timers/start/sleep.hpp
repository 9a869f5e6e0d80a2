#pragma once
// Waiting for nothing but time.

#include <chrono>
#include <coroutine>
#include <stdexcept>

#include "executor.hpp"
#include "reactor.hpp"

// `co_await sleep_until(…)`: goes on at that time or a little later, never earlier. Reactor::
// add_timer() gives it something to wait for that never happens.
class Sleep {
 public:
  explicit Sleep(Clock::time_point deadline) : deadline_(deadline) {}

  // True: the time has come already.
  bool await_ready() const { throw std::logic_error("Sleep::await_ready() is yours to write"); }
  // False: it goes on at once.
  bool await_suspend(std::coroutine_handle<> handle) {
    (void)handle;
    throw std::logic_error("Sleep::await_suspend() is yours to write");
  }
  void await_resume() const noexcept {}

 private:
  Clock::time_point deadline_;
};

inline Sleep sleep_until(Clock::time_point deadline) { return Sleep(deadline); }
inline Sleep sleep_for(Clock::duration time) {
  Clock::time_point now = Clock::now();
  return Sleep(time < never - now ? now + time : never);
}
