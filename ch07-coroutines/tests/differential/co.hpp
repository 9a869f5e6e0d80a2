#pragma once
// The compiler's coroutine as a future: what corofy's machines are compared with.

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "harness.hpp"

class Awaited {
 public:
  virtual ~Awaited() = default;
  virtual bool poll() = 0;  // can the coroutine go on?
};

// It has a constructor, because g++ 12 destroys an aggregate twice here.
template <class F>
class Awaiter final : public Awaited {
 public:
  Awaiter(F future, Awaited*& waits_for) : future_(std::move(future)), waits_for_(waits_for) {}
  Awaiter(const Awaiter&) = delete;

  bool poll() override {
    try {
      result_ = future_of(future_).POLL_AGAIN;
    } catch (...) {
      error_ = std::current_exception();
    }
    return result_ || error_;
  }
  bool await_ready() { return poll(); }
  void await_suspend(std::coroutine_handle<>) { waits_for_ = this; }
  OutputOf<F> await_resume() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return std::move(*result_);
  }

 private:
  F future_;
  Awaited*& waits_for_;
  std::optional<OutputOf<F>> result_;
  std::exception_ptr error_;
};

template <class T>
class Co final : public Future<T> {
 public:
  class promise_type {
   public:
    promise_type() {}
    Co get_return_object() { return Co(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(T value) { result_.emplace(std::move(value)); }
    void unhandled_exception() { error_ = std::current_exception(); }
    // A future that has a name is given away, as in the other half.
    template <class F>
    Awaiter<std::decay_t<F>> await_transform(F&& future) {
      return Awaiter<std::decay_t<F>>(std::move(future), waits_for_);
    }

   private:
    friend Co;
    Awaited* waits_for_ = nullptr;
    std::optional<T> result_;
    std::exception_ptr error_;
  };

  Co(Co&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Co() override {
    if (handle_) handle_.destroy();
  }

  PollState<T> POLL override {
    promise_type& promise = handle_.promise();
    if (promise.waits_for_ && !promise.waits_for_->poll()) return std::nullopt;
    promise.waits_for_ = nullptr;
    handle_.resume();
    if (promise.error_) std::rethrow_exception(std::exchange(promise.error_, nullptr));
    return std::exchange(promise.result_, std::nullopt);
  }

 private:
  using Handle = std::coroutine_handle<promise_type>;
  explicit Co(Handle handle) : handle_(handle) {}
  Handle handle_;
};
