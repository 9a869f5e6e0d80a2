#pragma once
// The compiler's coroutine, dressed as a Future.

#include <coroutine>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "pinned.hpp"
#include "waker.hpp"

// What a coroutine waits for, of whatever type its result is.
class Awaited {
 public:
  // Asks it once. True: await_resume() has the result, or the exception.
  virtual bool poll(const Waker& waker) = 0;

 protected:
  ~Awaited() = default;
};

// `co_await future`: the coroutine stops, and Task::poll() asks the future from then on. Lies in
// the coroutine's frame for as long as that waits.
template <class T>
class FutureAwaiter final : public Awaited {
 public:
  FutureAwaiter(Pinned<T> future, Awaited*& awaited)
      : future_(std::move(future)), awaited_(awaited) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept { awaited_ = this; }
  T await_resume() {
    if (error_) std::rethrow_exception(error_);
    return std::move(*result_);
  }

  bool poll(const Waker& waker) override {
    narrate::say("ask", "a future");
    try {
      result_ = future_->poll(waker);
      return result_.has_value();
    } catch (...) {
      error_ = std::current_exception();  // belongs to the coroutine, which throws it on
      return true;
    }
  }

 private:
  Pinned<T> future_;
  Awaited*& awaited_;  // the coroutine's, in its promise
  PollState<T> result_;
  std::exception_ptr error_;
};

// A function that returns Task<T>, and says co_await or co_return, is a coroutine. It begins when
// it is polled for the first time. Its frame lies on the heap until the Task is destroyed, finished
// or not; what lives in it is destroyed with it.
template <class T>
class [[nodiscard]] Task final : public Future<T> {
 public:
  struct promise_type {
    Awaited* awaited = nullptr;  // what it waits for; nothing before its first line
    PollState<T> result;
    std::exception_ptr error;

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_value(T value) { result = std::move(value); }
    void unhandled_exception() noexcept { error = std::current_exception(); }

    template <class U>
    FutureAwaiter<U> await_transform(Pinned<U> future) {
      return {std::move(future), awaited};
    }
    template <class U>
    FutureAwaiter<U> await_transform(Task<U>&& task) {
      return await_transform(Pinned<U>(std::move(task)));
    }
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  ~Task() override {
    if (handle_) handle_.destroy();
  }
  // A Task does not move, as no Future does. The frame is handed on to one on the heap.
  operator Pinned<T>() && {
    Pinned<T> pinned = pin<Task>(handle_);
    handle_ = nullptr;
    return pinned;
  }

  PollState<T> poll(const Waker& waker) override {
    if (!handle_ || handle_.done()) throw std::logic_error("Task: polled after it was ready");
    promise_type& promise = handle_.promise();
    while (!handle_.done()) {
      if (promise.awaited != nullptr && !promise.awaited->poll(waker)) return std::nullopt;
      promise.awaited = nullptr;
      handle_.resume();
    }
    if (promise.error) std::rethrow_exception(promise.error);
    return std::move(promise.result);
  }

 private:
  Handle handle_;  // null: it has been handed on
};
