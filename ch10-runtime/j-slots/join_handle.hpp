#pragma once
// How a spawned task has ended, for whoever wants to know.

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "cancel.hpp"
#include "ready_queue.hpp"

// Shared by the task, its JoinHandle and its executor, all on one thread.
struct Outcome {
  explicit Outcome(ReadyQueue& home) : queue(home) {}

  ReadyQueue& queue;  // of the executor
  bool ended = false;
  bool awaited = false;  // somebody has had the result, or the exception
  std::exception_ptr error;
  std::atomic<void*> waiting = nullptr;  // the handle of whoever awaits it, while it goes on

  // The task has ended, or the wait has been cancelled: whoever comes first takes the handle.
  void wake() {
    if (void* handle = waiting.exchange(nullptr))
      queue.push(std::coroutine_handle<>::from_address(handle));
  }
};
template <class T>
struct ValueOutcome : Outcome {
  using Outcome::Outcome;
  std::optional<T> value;
};
template <>
struct ValueOutcome<void> : Outcome {
  using Outcome::Outcome;
};

// What spawn() returns. `co_await std::move(handle)` waits for the task, and gives its result or
// throws its exception. To drop the handle is to let the task go on by itself: see Executor::run()
// for its exception. One coroutine awaits it, once, on the same executor.
template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(std::shared_ptr<ValueOutcome<T>> outcome) : outcome_(std::move(outcome)) {}

  class Awaiter {
   public:
    explicit Awaiter(std::shared_ptr<ValueOutcome<T>> outcome) : outcome_(std::move(outcome)) {
      if (outcome_ == nullptr || outcome_->awaited)
        throw std::logic_error("JoinHandle: awaited twice");
      outcome_->awaited = true;
    }
    Awaiter(const Awaiter&) = delete;
    // Whoever awaits it may be destroyed before the task ends.
    ~Awaiter() { outcome_->waiting = nullptr; }
    bool await_ready() const noexcept { return outcome_->ended; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) {
      // First the handle: a stop that finds none would be lost here, where nothing is kept of it.
      outcome_->waiting = handle.address();
      stop_.begin(handle, Wake{outcome_.get()});
    }
    T await_resume() {
      stop_.end();
      if (!outcome_->ended) {
        outcome_->awaited = false;
        throw Cancelled();
      }
      if (outcome_->error) std::rethrow_exception(outcome_->error);
      if constexpr (!std::is_void_v<T>) return std::move(*outcome_->value);
    }

   private:
    struct Wake {
      Outcome* outcome;
      void operator()() const { outcome->wake(); }
    };

    std::shared_ptr<ValueOutcome<T>> outcome_;
    StopWatch<Wake> stop_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(outcome_)); }

 private:
  std::shared_ptr<ValueOutcome<T>> outcome_;  // null: awaited, or moved from
};
