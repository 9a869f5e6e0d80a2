#pragma once
// Asking a task to stop, and how a leaf hears of it.

#include <coroutine>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>

#include "task.hpp"

// Comes out of the `co_await` of a leaf when its task has been asked to stop.
class Cancelled final : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "cancelled"; }
};

// A part of a leaf: calls `wake` when its task is asked to stop, on whichever thread that happens,
// at once if it has happened already.
template <class Wake>
class StopWatch {
 public:
  template <class Promise>
  void begin(std::coroutine_handle<Promise> task, Wake wake) {
    stop_ = task.promise().stop;
    if (stop_.stop_possible()) callback_.emplace(stop_, std::move(wake));
  }
  // For await_resume(), before anything else. Afterwards `wake` is not called any more: if that
  // happens just now on another thread, this waits for its end.
  void end() { callback_.reset(); }
  void throw_if_stopped() const {
    if (stop_.stop_requested()) throw Cancelled();
  }

 private:
  std::stop_token stop_;
  std::optional<std::stop_callback<Wake>> callback_;
};

// Passes a stop on.
struct RequestStop {
  std::stop_source* source;
  void operator()() const { source->request_stop(); }
};

// `co_await stop_token()`: what the coroutine that says it has been given.
class StopToken {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> task) noexcept {
    stop_ = task.promise().stop;
    return false;
  }
  std::stop_token await_resume() noexcept { return std::move(stop_); }

 private:
  std::stop_token stop_;
};
inline StopToken stop_token() { return {}; }

// `co_await with_token(token, task)`: as `co_await task`, but the task and its children listen to
// this token. With an empty one nobody stops them: that is for cleaning up.
template <class T>
class WithToken {
 public:
  WithToken(std::stop_token token, Task<T> task)
      : token_(std::move(token)), task_(std::move(task)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> parent) noexcept {
    task_.handle().promise().parent = parent;
    task_.handle().promise().stop = std::move(token_);
    next_to_run = task_.handle();
  }
  T await_resume() { return task_.handle().promise().result(); }

 private:
  std::stop_token token_;
  Task<T> task_;
};
template <class T>
WithToken<T> with_token(std::stop_token token, Task<T> task) {
  return WithToken<T>(std::move(token), std::move(task));
}
