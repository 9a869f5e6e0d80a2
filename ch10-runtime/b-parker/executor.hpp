#pragma once
// The executor: owns tasks, polls those whose wakers have been called, and parks when there are
// none. It knows nothing of sources, and the reactor nothing of tasks.

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "pinned.hpp"
#include "ready_queue.hpp"
#include "waker.hpp"

// Every function is for one thread at a time. The tasks that have not ended when it is destroyed
// are dropped: to destroy a future is to cancel its work.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;  // while it runs it is known by its address
  Executor& operator=(const Executor&) = delete;

  // The one that runs on this thread. Throws std::logic_error if there is none.
  static Executor& current() {
    if (current_ == nullptr) throw std::logic_error("no executor runs on this thread");
    return *current_;
  }

  // The future becomes a task, which is polled for the first time in run().
  void spawn(Pinned<Unit> future) {
    TaskId task = next_id_++;
    tasks_.emplace(task, std::move(future));
    ready_->push(task);
  }

  // Polls, on this thread, each task once at the start, and again whenever its waker has been
  // called; parks when there is nobody to poll. Returns when all have ended. What a task throws
  // ends that task only: the first exception comes out of here when all have ended. A thread runs
  // one executor at a time: std::logic_error.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    Running running(this);
    while (true) {
      while (std::optional<TaskId> task = ready_->pop()) poll(*task);
      if (tasks_.empty()) break;
      narrate::Span span("park");
      parker_->park();
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  [[nodiscard]] long polls() const { return polls_; }

 private:
  // Makes the executor known to what it polls.
  struct Running {
    explicit Running(Executor* executor) { current_ = executor; }
    Running(const Running&) = delete;
    ~Running() { current_ = nullptr; }
  };

  void poll(TaskId task) {
    // It is taken out, and put back if it has not ended.
    auto taken = tasks_.extract(task);
    if (taken.empty()) return;  // it has ended, and is woken too late
    narrate::say("poll", task_name(task));
    ++polls_;
    try {
      if (!taken.mapped()->poll(Waker(task, ready_, parker_))) tasks_.insert(std::move(taken));
    } catch (...) {
      narrate::say("failed", task_name(task));
      if (!error_) error_ = std::current_exception();
    }
  }

  static inline thread_local Executor* current_ = nullptr;
  std::map<TaskId, Pinned<Unit>> tasks_;
  static inline std::atomic<TaskId> next_id_ = 1;  // of all executors: a number is one task's
  std::shared_ptr<ReadyQueue> ready_ = std::make_shared<ReadyQueue>();
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
  std::exception_ptr error_;
  long polls_ = 0;
};

// The future becomes a task of the executor that runs on this thread: for whoever is polled, and
// does not want to wait for it. Throws std::logic_error if there is none.
inline void spawn(Pinned<Unit> future) { Executor::current().spawn(std::move(future)); }
