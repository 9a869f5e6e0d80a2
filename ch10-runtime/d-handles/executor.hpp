#pragma once
// The executor: owns tasks, resumes those coroutines that are ready, and parks when there are none.

#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

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

  // From now on it is the executor's, and begins in run().
  void spawn(Task<> task) {
    int number = next_number_++;
    auto place = tasks_.emplace(number, watch(number, std::move(task))).first;
    ready_.push(place->second.handle());
  }

  // Resumes, on this thread, each task once at the start, and then whoever is pushed into the
  // queue; parks when nobody is. Returns when all have ended. What a task throws ends that task
  // only: the first exception comes out of here when all have ended. A thread runs one executor at
  // a time: std::logic_error.
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
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
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
  Task<> watch(int number, Task<> task) {
    narrate::start("task-" + std::to_string(number));
    try {
      co_await std::move(task);
    } catch (...) {
      narrate::say("failed", "task-" + std::to_string(number));
      if (!error_) error_ = std::current_exception();
    }
    narrate::done("task-" + std::to_string(number));
    ended_ = number;
  }

  static inline thread_local Executor* current_ = nullptr;
  ReadyQueue ready_;
  std::map<int, Task<>> tasks_;  // destroyed before the queue that they may stand in
  int next_number_ = 1;
  std::optional<int> ended_;  // by the coroutine that has just stopped
  std::exception_ptr error_;
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it. Throws std::logic_error if there is none.
inline void spawn(Task<> task) { Executor::current().spawn(std::move(task)); }
