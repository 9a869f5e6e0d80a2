#pragma once
// How a spawned task and whoever wants to know its end agree, on whichever threads they are.

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cancel.hpp"
#include "ready_queue.hpp"
#include "task.hpp"

// All in one word, TaskPromise::parent. Each side changes it in one step, and what it finds there
// says what is left for it to do:
//
//   nullptr       it goes on, and nobody awaits it yet
//   &interrupted  the same, and a stop has come before the handle of whoever was about to wait
//   &detached     it goes on, and nobody will ask: it destroys itself
//   &ended        it has ended, and belongs to its JoinHandle
//   a handle      it goes on, and whoever awaits it is next then
struct JoinWord {
  static inline char interrupted, detached, ended;

  static std::coroutine_handle<> handle_in(void* word) noexcept {
    if (word == &interrupted || word == &detached || word == &ended) return nullptr;
    return std::coroutine_handle<>::from_address(word);
  }
};

// What tasks have thrown, as long as nobody has asked for it. For any thread.
class Failures {
 public:
  void add(const std::exception_ptr& error) {
    std::lock_guard lock(mutex_);
    errors_.push_back(error);
  }
  void forget(const std::exception_ptr& error) {
    std::lock_guard lock(mutex_);
    auto found = std::find(errors_.begin(), errors_.end(), error);
    if (found != errors_.end()) errors_.erase(found);
  }
  // Throws the first one, and forgets them all; if there are any.
  void rethrow() {
    std::unique_lock lock(mutex_);
    std::vector<std::exception_ptr> errors = std::exchange(errors_, {});
    lock.unlock();
    if (!errors.empty()) std::rethrow_exception(errors.front());
  }

 private:
  std::mutex mutex_;
  std::vector<std::exception_ptr> errors_;
};

// What spawn() returns. `co_await std::move(handle)` waits for the task, and gives its result or
// throws its exception. To drop the handle is to let the task go on by itself: see Executor::run()
// for its exception. One coroutine awaits it, once, on the same executor. It may outlive the
// executor only if its task has ended.
template <class T>
class JoinHandle {
 public:
  JoinHandle(typename Task<T>::Handle task, ReadyQueue& ready, Failures& failures)
      : task_(task), ready_(&ready), failures_(&failures) {}
  JoinHandle(JoinHandle&& other) noexcept
      : task_(std::exchange(other.task_, nullptr)),
        ready_(other.ready_),
        failures_(other.failures_) {}
  JoinHandle& operator=(JoinHandle other) noexcept {
    std::swap(task_, other.task_);
    std::swap(ready_, other.ready_);
    std::swap(failures_, other.failures_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ &&
        (word() == &JoinWord::ended || word().exchange(&JoinWord::detached) == &JoinWord::ended))
      task_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(JoinHandle handle) : handle_(std::move(handle)) {
      if (!handle_.task_) throw std::logic_error("JoinHandle: awaited twice");
    }
    Awaiter(const Awaiter&) = delete;

    bool await_ready() const noexcept { return handle_.word() == &JoinWord::ended; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) {
      // First the way to stop it, then the handle: from then on the task's end may be the end of
      // this, too.
      stop_.begin(parent, Wake{&handle_});
      void* found = nullptr;
      return handle_.word().compare_exchange_strong(found, parent.address());
    }
    T await_resume() {
      stop_.end();
      if (handle_.word() != &JoinWord::ended) throw Cancelled();
      auto& promise = handle_.task_.promise();
      if (promise.error) handle_.failures_->forget(promise.error);
      return promise.result();
    }

   private:
    // Who waits, or is about to, does so no more.
    struct Wake {
      JoinHandle* handle;
      void operator()() const {
        void* found = handle->word();
        while (found != &JoinWord::ended) {
          if (!handle->word().compare_exchange_weak(found, &JoinWord::interrupted)) continue;
          if (std::coroutine_handle<> waiting = JoinWord::handle_in(found))
            handle->ready_->push(waiting);
          return;
        }
      }
    };

    JoinHandle handle_;
    StopWatch<Wake> stop_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(*this)); }

 private:
  [[nodiscard]] std::atomic<void*>& word() const noexcept { return task_.promise().parent; }

  typename Task<T>::Handle task_;  // null: awaited, or moved from
  ReadyQueue* ready_;
  Failures* failures_;
};
