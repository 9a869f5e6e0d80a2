#pragma once
// The executor: owns tasks, resumes those coroutines that are ready, and parks when there are none.

#include <stdexcept>
#include <utility>

#include "ready_queue.hpp"
#include "task.hpp"

// Every function is for one thread at a time. The tasks that have not ended when it is destroyed
// are dropped: to destroy a task is to cancel its work.
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

  // From now on it is the executor's, and begins in run(): the first that was spawned is the first.
  void spawn(Task<> task) {
    (void)task;
    throw std::logic_error("Executor::spawn() is yours to write");
  }

  // Resumes, on this thread, each task once at the start, and then whoever is pushed into the
  // queue; parks when nobody is. Returns when all have ended. What a task throws ends that task
  // only: the first exception comes out of here when all have ended. A thread runs one executor at
  // a time: std::logic_error.
  //
  // A task that has ended is destroyed before the next handle is taken from the queue. But a frame
  // cannot be destroyed while it runs.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    Running running(this);
    throw std::logic_error("the loop of Executor::run() is yours to write");
  }

  // Where the coroutines wait that are to be resumed here.
  [[nodiscard]] ReadyQueue& ready() { return ready_; }

 private:
  // Makes the executor known to what it runs.
  struct Running {
    explicit Running(Executor* executor) { current_ = executor; }
    Running(const Running&) = delete;
    ~Running() { current_ = nullptr; }
  };

  static inline thread_local Executor* current_ = nullptr;
  ReadyQueue ready_;
  // Yours: where it keeps its tasks, and how it learns that one has ended, and what that one has
  // thrown. (A coroutine of the executor's own can await a task, and catch.) Members are destroyed
  // from the last one to the first: what stands below the queue goes before it.
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it. Throws std::logic_error if there is none.
inline void spawn(Task<> task) { Executor::current().spawn(std::move(task)); }
