#pragma once
// The executor: owns tasks, and some workers that resume those coroutines that are ready. A worker
// that finds none waits in the reactor, or sleeps if another one is there.

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "frames.hpp"
#include "join_handle.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"
#include "task.hpp"
#include "task_list.hpp"

// What runs on it may call everything but run(), on any of its workers; others may only call
// request_stop(), and push into the queue. The tasks that have not ended when it is destroyed are
// dropped: to destroy a task is to cancel its work.
class Executor : private Ending {
 public:
  explicit Executor(std::size_t workers = 1)
      : workers_(std::clamp<std::size_t>(workers, 1, ReadyQueue::most_workers)) {}
  Executor(const Executor&) = delete;  // while it runs it is known by its address
  Executor& operator=(const Executor&) = delete;

  // The one that runs on this thread. Throws std::logic_error if there is none.
  static Executor& current() {
    if (current_ == nullptr) throw std::logic_error("no executor runs on this thread");
    return *current_;
  }

  // From now on it is the executor's, and begins in run(), on one of the workers.
  template <class T>
  JoinHandle<T> spawn(Task<T> task) {
    typename Task<T>::Handle handle = task.release();
    ++alive_;
    tasks_.start(handle, handle.promise(), *this, stop_.get_token(), ready_);
    return JoinHandle<T>(handle, ready_, failures_);
  }

  // Resumes, on this thread and those of the other workers, each task once at the start, and then
  // whoever is pushed into the queue; waits in the reactor when nobody is. Returns when all have
  // ended. What a task throws ends that task only: the first exception that nobody has awaited
  // comes out of here when all have ended. A thread runs one executor at a time: std::logic_error.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    broken_ = false;
    {
      std::vector<std::jthread> threads;
      auto begin = [&](std::size_t number) {
        threads.emplace_back([this, number] {
          narrate::name_thread("worker-" + std::to_string(number));
          work(number);
        });
      };
      try {
        for (std::size_t number = 1; number < workers_; ++number) begin(number);
      } catch (...) {
        broken(std::current_exception());
      }
      work(0);
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    failures_.rethrow();
  }

  // Asks all tasks that have been spawned, and all that will be, to stop. On any thread.
  void request_stop() { stop_.request_stop(); }

  [[nodiscard]] std::size_t workers() const { return workers_; }
  // Where the coroutines wait that are to be resumed here.
  [[nodiscard]] ReadyQueue& ready() { return ready_; }
  // What they wait in.
  [[nodiscard]] Reactor& reactor() { return reactor_; }

 private:
  // Makes the executor known to what it runs.
  struct Running {
    explicit Running(Executor* executor) { current_ = executor; }
    Running(const Running&) = delete;
    ~Running() {
      current_ = nullptr;
      Frames::clear();
    }
  };

  void work(std::size_t number) noexcept {
    Running running(this);
    ReadyQueue::Working working(ready_, number);
    try {
      while (alive_ != 0 && !broken_) {
        if (std::coroutine_handle<> handle = ready_.pop())
          ::run(handle);
        else
          ready_.wait();
      }
    } catch (...) {
      broken(std::current_exception());
    }
  }
  // A worker cannot go on, and so nobody does.
  void broken(std::exception_ptr error) noexcept {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    broken_ = true;
    ready_.wake_all();
  }

  // A spawned task has ended.
  std::coroutine_handle<> ended(std::coroutine_handle<> task,
                                TaskPromise& promise) noexcept override {
    if (promise.error) {
      narrate::say("failed", "task");
      failures_.add(promise.error);
    }
    tasks_.take_out(promise);
    void* before = promise.parent.exchange(&JoinWord::ended);  // from now on it may be gone
    if (before == &JoinWord::detached) task.destroy();
    if (--alive_ == 0) ready_.wake_all();
    return JoinWord::handle_in(before);
  }

  static inline constinit thread_local Executor* current_ = nullptr;
  std::size_t workers_;
  Reactor reactor_;
  ReadyQueue ready_{reactor_, workers_};
  Failures failures_;
  std::stop_source stop_;
  std::atomic<std::size_t> alive_ = 0;  // spawned, and not ended
  std::atomic<bool> broken_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;  // of a worker
  TaskList tasks_{workers_};  // is destroyed before what they use
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it, or not yet. Throws std::logic_error if there is none.
template <class T>
JoinHandle<T> spawn(Task<T> task) {
  return Executor::current().spawn(std::move(task));
}
