#pragma once
// A coroutine whose exception comes out of resume(), and so out of Executor::run().

#include <coroutine>
#include <exception>
#include <utility>

#include "task.hpp"

class Rethrown {
 public:
  struct promise_type {
    Rethrown get_return_object() {
      return Rethrown(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() { throw; }
  };
  Rethrown(const Rethrown&) = delete;
  Rethrown& operator=(const Rethrown&) = delete;
  ~Rethrown() { handle_.destroy(); }

  struct Next {
    std::coroutine_handle<> handle;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { next_to_run = handle; }
    void await_resume() const noexcept {}
  };
  Next operator co_await() const { return {handle_}; }

 private:
  explicit Rethrown(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<> handle_;
};

inline Rethrown rethrown(std::exception_ptr error) {
  std::rethrow_exception(std::move(error));
  co_return;
}
