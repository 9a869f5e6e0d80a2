#pragma once
// A C++20 coroutine as a future. The compiler cuts the function into pieces, and calls what stands
// here wherever it has cut.

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "future.hpp"
#include "narrated_frame.hpp"

// What a coroutine waits for, whatever type the result has.
class Awaited {
 public:
  Awaited() = default;
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

  // Asks the future. True: the coroutine can go on, with a value or with an exception.
  virtual bool is_ready() = 0;

 protected:
  ~Awaited() = default;
};

// A function with this result that uses co_await or co_return is a coroutine, and its call returns
// a future. Each poll() takes it as far as it can go. It may move while it waits: its frame stays.
//
//   Task<std::string> twice(net::Address server) {
//     std::string answer = co_await get(server, "hello", 10ms);
//     co_return answer + answer;
//   }
template <class T>
class [[nodiscard]] Task final : public Future<T> {
 public:
  class promise_type;  // the name by which the compiler finds it

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  // Wherever the coroutine has stopped: the variables it has there are destroyed, and so is the
  // future it waits for.
  ~Task() override {
    if (handle_) handle_.destroy();
  }

  PollState<T> poll() override {
    if (!handle_ || handle_.done()) throw std::logic_error("Task: polled after it was ready");
    promise_type& promise = handle_.promise();
    while (!handle_.done()) {  // from one stop to the next, until it has to wait
      if (promise.awaited_ != nullptr && !promise.awaited_->is_ready()) return std::nullopt;
      handle_.resume();
    }
    if (promise.error_) std::rethrow_exception(promise.error_);
    return std::move(promise.result_);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;  // null: moved from
};

// What `co_await future` becomes: an object in the frame, beside the future. (It has a constructor,
// as each promise has: g++ 12 destroys an aggregate in a co_await expression twice.)
template <IsFuture F>
class FutureAwaiter final : public Awaited {
 public:
  FutureAwaiter(F& future, Awaited*& awaited) : future_(future), awaited_(awaited) {}

  bool await_ready() const noexcept {
    NarratedFrame::step(5, "co_await", "await_ready(): no, poll() is to ask");
    return false;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    NarratedFrame::stop(5, "co_await", "await_suspend(): stops, and waits for this future");
    awaited_ = this;
  }
  // Its result, or exception, is that of the co_await expression.
  typename F::Output await_resume() {
    NarratedFrame::step(5, "co_await", "await_resume(): the future is ready, the body goes on");
    if (error_) std::rethrow_exception(error_);
    return std::move(*result_);
  }

  bool is_ready() override {
    try {
      result_ = future_.poll();
    } catch (...) {
      error_ = std::current_exception();  // for the coroutine, not for whoever polls it
      return true;
    }
    return result_.has_value();
  }

 private:
  F& future_;
  PollState<typename F::Output> result_;
  std::exception_ptr error_;
  Awaited*& awaited_;  // the promise's
};

// The part of the frame that is ours. The compiler calls its functions.
template <class T>
class Task<T>::promise_type : public NarratedFrame {
 public:
  template <class... Parameters>
  explicit promise_type(const Parameters&... parameters) : NarratedFrame(parameters...) {}

  Task get_return_object() {
    step(3, "promise", "get_return_object(): the Task that the caller gets");
    return Task(std::coroutine_handle<promise_type>::from_promise(*this));
  }
  std::suspend_always initial_suspend() noexcept {
    stop(4, "promise", "initial_suspend(): stops before the body: a future is lazy");
    return {};
  }
  // Gives co_await its meaning, for each future that is a temporary, or that std::move gives away.
  // It stays where it is until the expression is complete: the awaiter only refers to it.
  template <class F>
    requires IsFuture<F>
  FutureAwaiter<F> await_transform(F&& future) {
    return FutureAwaiter<F>(future, awaited_);
  }
  template <class U>
  void return_value(U&& value) {
    step(6, "promise", "return_value(): keeps the result for poll()");
    result_.emplace(std::forward<U>(value));
  }
  void unhandled_exception() noexcept {
    step(6, "promise", "unhandled_exception(): keeps it for poll()");
    error_ = std::current_exception();
  }
  // Stops once more: else the frame would be gone, and the result with it, before poll() can take
  // it.
  std::suspend_always final_suspend() noexcept {
    stop(7, "promise", "final_suspend(): stops behind the body: now it is done()");
    return {};
  }

 private:
  friend Task;
  Awaited* awaited_ = nullptr;  // where it has stopped; null: before the body
  PollState<T> result_;
  std::exception_ptr error_;
};
