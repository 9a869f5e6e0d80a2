#pragma once
// Waiting for nothing but time.

#include <chrono>
#include <coroutine>

#include "cancel.hpp"
#include "executor.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"

// `co_await sleep_until(…)`: goes on at that time or a little later, never earlier. Throws
// Cancelled.
class Sleep {
 public:
  explicit Sleep(Clock::time_point deadline) : deadline_(deadline) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    stop_.begin(handle, Wake{&timer_, &Executor::current().ready()});
    return timer_.wait(handle, deadline_);
  }
  void await_resume() {
    stop_.end();
    stop_.throw_if_stopped();
  }

 private:
  struct Wake {
    Registration* timer;
    ReadyQueue* queue;
    void operator()() const {
      if (std::coroutine_handle<> handle = timer->cancel()) queue->push(handle);
    }
  };

  Clock::time_point deadline_;
  Registration timer_ = Executor::current().reactor().add_timer();
  StopWatch<Wake> stop_;
};

inline Sleep sleep_until(Clock::time_point deadline) { return Sleep(deadline); }
inline Sleep sleep_for(Clock::duration time) {
  Clock::time_point now = Clock::now();
  return Sleep(time < never - now ? now + time : never);
}
