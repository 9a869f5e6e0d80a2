#pragma once
// Task<T>: a coroutine that begins when it is awaited, and hands its result, or its exception, to
// whoever awaits it. Knows nothing of threads and sources.
//
// Nobody resumes anybody. A coroutine that stops says who is next on this thread, and returns to
// run(), the only place that calls resume(): so the stack never grows, whoever awaits whom.

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>

#include "frames.hpp"

// Who is to be resumed on this thread, as soon as the one that runs has stopped.
inline constinit thread_local std::coroutine_handle<> next_to_run = nullptr;

// Resumes the coroutine, and whoever it says is next, until nobody is.
inline void run(std::coroutine_handle<> handle) {
  while (handle) {
    handle.resume();
    handle = std::exchange(next_to_run, nullptr);
  }
}

struct TaskPromise;

// A task that was not awaited, but started: its place in a TaskList.
struct Started {
  std::coroutine_handle<> task;
  std::atomic<void*>* join_word = nullptr;  // its promise's
  Started* next = nullptr;
  Started* previous = nullptr;
};

// Is told that a task has ended, where more is to be done than to go on with its parent.
class Ending {
 public:
  // Says who is next; nobody: nullptr. As soon as another thread may know of the end, the frame may
  // be gone.
  virtual std::coroutine_handle<> ended(std::coroutine_handle<> task,
                                        TaskPromise& promise) noexcept = 0;

 protected:
  ~Ending() = default;
};

// What the promise of every task has, whatever its result.
struct TaskPromise {
  std::atomic<void*> parent = nullptr;  // who awaits it, or what JoinHandle says
  Ending* ending = nullptr;             // in place of a parent
  std::exception_ptr error;
  std::stop_token stop;  // inherited from whoever awaits it
  Started started;

  // The end: the parent is next, or whoever `ending` says.
  struct AtTheEnd {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      TaskPromise& promise = handle.promise();
      next_to_run = promise.ending ? promise.ending->ended(handle, promise)
                                   : std::coroutine_handle<>::from_address(
                                         promise.parent.load(std::memory_order_relaxed));
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  AtTheEnd final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  static void* operator new(std::size_t size) { return Frames::take(size); }
  static void operator delete(void* frame, std::size_t size) { Frames::give_back(frame, size); }
};

template <class T>
struct ResultPromise : TaskPromise {
  std::optional<T> value;
  void return_value(T result) { value = std::move(result); }
  T result() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};
template <>
struct ResultPromise<void> : TaskPromise {
  void return_void() const noexcept {}
  void result() const {
    if (error) std::rethrow_exception(error);
  }
};

// A function that returns Task<T>, and says co_await or co_return, is a coroutine. A Task owns the
// frame: it is destroyed with it, finished or not, and so is what lives in it. Only the Task moves.
template <class T = void>
class [[nodiscard]] Task {
 public:
  struct promise_type : ResultPromise<T> {
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // For whoever starts it in another way than by awaiting it.
  [[nodiscard]] Handle handle() const { return handle_; }
  // From now on the frame is the caller's.
  [[nodiscard]] Handle release() noexcept { return std::exchange(handle_, nullptr); }

  // `co_await task`: the parent stops, and the task is next.
  class Awaiter {
   public:
    explicit Awaiter(Handle handle) : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> parent) const noexcept {
      handle_.promise().parent.store(parent.address(), std::memory_order_relaxed);
      handle_.promise().stop = parent.promise().stop;
      next_to_run = handle_;
    }
    T await_resume() const { return handle_.promise().result(); }

   private:
    Handle handle_;
  };
  Awaiter operator co_await() && { return Awaiter(handle_); }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;  // null: moved from
};
