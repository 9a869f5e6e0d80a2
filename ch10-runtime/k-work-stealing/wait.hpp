#pragma once
// The leaf of all leaves: waits until something happens, until a deadline, or until it is stopped.

#include <coroutine>

#include "cancel.hpp"
#include "executor.hpp"
#include "reactor.hpp"
#include "readiness.hpp"
#include "timer_wheel.hpp"

// `co_await Wait(readiness, deadline)`: goes on when something has happened since it was last
// asked; true: the deadline has passed before. Throws Cancelled.
class Wait {
 public:
  explicit Wait(Readiness& readiness, Clock::time_point deadline = never)
      : executor_(Executor::current()) {
    timer_.readiness = &readiness;
    timer_.deadline = Reactor::tick(deadline);
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { executor_.reactor().remove(timer_); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    // First all that may end it, then the handle: what comes between the two is a readiness that
    // stays behind.
    stop_.begin(handle, Wake{this});
    executor_.reactor().add(timer_);
    return timer_.readiness->wait(handle);
  }
  bool await_resume() {
    stop_.end();
    executor_.reactor().remove(timer_);
    stop_.throw_if_stopped();
    return timer_.passed;
  }

 private:
  // Ends the wait as an event would. Nothing is promised, so nothing is lost.
  struct Wake {
    Wait* wait;
    void operator()() const {
      if (std::coroutine_handle<> handle = wait->timer_.readiness->set())
        wait->executor_.ready().push(handle);
    }
  };

  Executor& executor_;
  Timer timer_;
  StopWatch<Wake> stop_;
};
