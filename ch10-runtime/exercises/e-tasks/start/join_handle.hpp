#pragma once
// How a spawned task has ended, for whoever wants to know.

#include <coroutine>
#include <stdexcept>

// Task, JoinHandle and executor share a record of how the task ends, all on one thread. It is
// yours: which of them may be gone before the others?

// What spawn() returns. `co_await std::move(handle)` waits for the task, and gives its result or
// throws its exception. To drop the handle is to let the task go on by itself: see Executor::run()
// for its exception. One coroutine awaits it, once, on the same executor: again is a
// std::logic_error. Whoever awaits it may be destroyed before the task ends.
template <class T>
class JoinHandle {
 public:
  class Awaiter {
   public:
    // Whoever awaits a task that has ended does not stop.
    bool await_ready() const {
      throw std::logic_error("JoinHandle::Awaiter::await_ready() is yours to write");
    }
    // Else the end of the task pushes the handle into the executor's queue.
    void await_suspend(std::coroutine_handle<> handle) {
      (void)handle;
      throw std::logic_error("JoinHandle::Awaiter::await_suspend() is yours to write");
    }
    T await_resume() {
      throw std::logic_error("JoinHandle::Awaiter::await_resume() is yours to write");
    }
  };
  Awaiter operator co_await() && { return Awaiter(); }
};
