#pragma once
// The compiler's coroutine, dressed as a Future. Tasks that await each other are one future: only
// what the innermost of them waits for is polled.

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

// Where a row of tasks stands, each of which awaits the next one. Belongs to the first.
struct Row {
  std::coroutine_handle<> next;  // who is resumed next: the innermost, or whoever awaited it
  Awaited* awaited = nullptr;    // what that one waits for, if it does
};

// `co_await future`: the coroutine stops, and the row asks the future from then on. Lies in the
// coroutine's frame for as long as that waits.
template <class T>
class FutureAwaiter final : public Awaited {
 public:
  FutureAwaiter(Pinned<T> future, Row& row) : future_(std::move(future)), row_(row) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept { row_.awaited = this; }
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
  Row& row_;
  PollState<T> result_;
  std::exception_ptr error_;
};

// A function that returns Task<T>, and says co_await or co_return, is a coroutine. It begins when
// it is polled or awaited for the first time. Its frame lies on the heap until the Task is
// destroyed, finished or not; what lives in it is destroyed with it.
template <class T>
class [[nodiscard]] Task final : public Future<T> {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  // `co_await task`: it is the next to run, and at its end whoever awaits it.
  class Awaiter {
   public:
    Awaiter(Handle handle, Row& row) : task_(handle), row_(row) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> parent) noexcept {
      task_.handle_.promise().row = &row_;
      task_.handle_.promise().parent = parent;
      row_.next = task_.handle_;
    }
    T await_resume() { return task_.result(); }

   private:
    Task task_;
    Row& row_;
  };

  // The end: the parent is next.
  struct AtTheEnd {
    bool await_ready() const noexcept { return false; }
    void await_suspend(Handle handle) const noexcept {
      handle.promise().row->next = handle.promise().parent;
    }
    void await_resume() const noexcept {}
  };

  struct promise_type {
    Row* row = nullptr;
    std::coroutine_handle<> parent;  // who awaits it, if anybody does
    PollState<T> result;
    std::exception_ptr error;

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    AtTheEnd final_suspend() const noexcept { return {}; }
    void return_value(T value) { result = std::move(value); }
    void unhandled_exception() noexcept { error = std::current_exception(); }

    template <class U>
    FutureAwaiter<U> await_transform(Pinned<U> future) {
      return {std::move(future), *row};
    }
    template <class U>
    typename Task<U>::Awaiter await_transform(Task<U>&& task) {
      return {task.release(), *row};
    }
  };

  explicit Task(Handle handle) : handle_(handle) {}
  ~Task() override {
    if (handle_) handle_.destroy();
  }
  // A Task does not move, as no Future does. The frame is handed on to one on the heap.
  operator Pinned<T>() && { return pin<Task>(release()); }

  PollState<T> poll(const Waker& waker) override {
    if (!handle_ || handle_.done()) throw std::logic_error("Task: polled after it was ready");
    if (!row_.next) {
      row_.next = handle_;
      handle_.promise().row = &row_;
    }
    while (!handle_.done()) {
      if (row_.awaited != nullptr && !row_.awaited->poll(waker)) return std::nullopt;
      row_.awaited = nullptr;
      row_.next.resume();
    }
    return result();
  }

 private:
  template <class>
  friend class Task;

  // Gives the frame away, as long as no row knows its place.
  Handle release() {
    if (!handle_ || handle_.promise().row != nullptr)
      throw std::logic_error("Task: handed on after it had begun");
    return std::exchange(handle_, nullptr);
  }

  T result() {
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return std::move(*handle_.promise().result);
  }

  Handle handle_;  // null: it has been handed on
  Row row_;
};
