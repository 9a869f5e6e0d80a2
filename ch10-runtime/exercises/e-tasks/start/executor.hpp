#pragma once
// The executor: owns tasks, resumes those coroutines that are ready, and parks when there are none.

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "join_handle.hpp"
#include "narrate/narrate.hpp"
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

  // From now on it is the executor's, and begins in run(). The handle tells how it has ended.
  template <class T>
  JoinHandle<T> spawn(Task<T> task) {
    (void)task;
    throw std::logic_error("Executor::spawn() is yours to write");
  }

  // Resumes, on this thread, each task once at the start, and then whoever is pushed into the
  // queue; parks when nobody is. Returns when all have ended. What a task throws ends that task
  // only, and is for whoever awaits its handle, now or later. When all have ended, the first
  // exception that nobody has awaited comes out of here, once: also if its handle still lives. A
  // thread runs one executor at a time: std::logic_error.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    Running running(this);
    while (true) {
      while (std::coroutine_handle<> handle = ready_.pop()) {
        ::run(handle);
        if (ended_) tasks_.extract(*std::exchange(ended_, std::nullopt));
      }
      if (tasks_.empty()) break;
      narrate::Span span("park");
      ready_.wait();
    }
    throw std::logic_error("the last lines of Executor::run() are yours to write");
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

  // The task's own parent, for the executor awaits nobody. It only notes that it has ended: its
  // frame cannot be destroyed while it runs.
  //
  // In stage d this was the watch() of a Task<>, and kept what it threw for run(). Now there are
  // results as well, and somebody may wait for the end. (`if constexpr (std::is_void_v<T>)` tells
  // the tasks that have none.)
  Task<> watch(int number, Task<> task) {
    narrate::start("task-" + std::to_string(number));
    co_await std::move(task);
    narrate::done("task-" + std::to_string(number));
    ended_ = number;
  }

  static inline thread_local Executor* current_ = nullptr;
  ReadyQueue ready_;
  std::map<int, Task<>> tasks_;  // destroyed before the queue that they may stand in
  int next_number_ = 1;
  std::optional<int> ended_;  // by the coroutine that has just stopped
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it, or not yet. Throws std::logic_error if there is none.
template <class T>
JoinHandle<T> spawn(Task<T> task) {
  return Executor::current().spawn(std::move(task));
}
