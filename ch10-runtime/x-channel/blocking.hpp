#pragma once
// Calls that block, on threads of their own.

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "narrate/narrate.hpp"

// A few threads that do nothing but wait in somebody else's calls. Threads are started when they
// are needed, up to a limit; what comes on top stands in a queue. The process has one, and its
// threads end with it.
class BlockingThreads {
 public:
  static constexpr std::size_t most = 16;

  static BlockingThreads& instance() {
    static BlockingThreads threads;
    return threads;
  }
  BlockingThreads(const BlockingThreads&) = delete;
  BlockingThreads& operator=(const BlockingThreads&) = delete;

  // `job` must not throw. Throws std::system_error if there is no thread, and none can be started.
  void push(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    try {
      if (idle_ < jobs_.size() && threads_.size() < most)
        threads_.emplace_back([this, number = threads_.size()] { work(number); });
    } catch (...) {
      if (threads_.empty()) {  // else one of the others will come to it
        jobs_.pop_back();
        throw;
      }
    }
    changed_.notify_one();
  }

 private:
  BlockingThreads() = default;
  ~BlockingThreads() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void work(std::size_t number) {
    narrate::name_thread("blocking-" + std::to_string(number));
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;  // threads that wait for a job
  bool stopping_ = false;
};

// `co_await spawn_blocking(f)`: calls f() on one of the threads above, and gives its result, or its
// exception. The executor's thread goes on with others meanwhile. The call cannot be cancelled: if
// the coroutine is destroyed, its destructor waits for the call's end.
template <class F>
class Blocking {
 public:
  using Result = std::invoke_result_t<F&>;

  explicit Blocking(F function) : function_(std::move(function)) {}
  Blocking(const Blocking&) = delete;
  ~Blocking() {
    std::unique_lock lock(mutex_);
    done_changed_.wait(lock, [this] { return state_ != State::called; });
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    ReadyQueue& queue = Executor::current().ready();
    state_ = State::called;
    try {
      BlockingThreads::instance().push([this, handle, &queue] { call(handle, queue); });
    } catch (...) {
      state_ = State::created;
      throw;
    }
  }
  Result await_resume() {
    if (error_) std::rethrow_exception(error_);
    if constexpr (!std::is_void_v<Result>) return std::move(*result_);
  }

 private:
  enum class State { created, called, done };

  void call(std::coroutine_handle<> handle, ReadyQueue& queue) {
    try {
      if constexpr (std::is_void_v<Result>)
        function_();
      else
        result_.emplace(function_());
    } catch (...) {
      error_ = std::current_exception();
    }
    // Under the lock: whoever destroys us, and the queue afterwards, waits until this is over.
    std::lock_guard lock(mutex_);
    state_ = State::done;
    queue.push(handle);
    done_changed_.notify_one();
  }

  F function_;
  std::optional<std::conditional_t<std::is_void_v<Result>, bool, Result>> result_;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::condition_variable done_changed_;
  State state_ = State::created;
};

template <class F>
Blocking<F> spawn_blocking(F function) {
  return Blocking<F>(std::move(function));
}
