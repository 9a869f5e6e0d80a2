#pragma once
// The executor: owns tasks, resumes those coroutines that are ready, and parks when there are none.

#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "join_handle.hpp"
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

  template <class T>
  JoinHandle<T> spawn(Task<T> task) {
    auto outcome = std::make_shared<Outcome<T>>();
    endings_.push_back(outcome);
    int number = next_number_++;
    auto place = tasks_.emplace(number, watch(number, std::move(task), outcome)).first;
    ready_.push(place->second.handle());
    return JoinHandle<T>(outcome);
  }

  // Resumes, on this thread, each task once at the start, and then whoever is pushed into the
  // queue; parks when nobody is. Returns when all have ended. What a task throws ends that task
  // only: the first exception comes out of here when all have ended. A thread runs one executor at
  // a time: std::logic_error.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    Running running(this);
    while (!tasks_.empty()) {
      if (std::coroutine_handle<> handle = ready_.pop()) {
        ::run(handle);
        finish();
      } else {
        ready_.wait();
      }
    }
    std::exception_ptr first;
    for (const std::shared_ptr<Ending>& ending : std::exchange(endings_, {}))
      if (!first) first = ending->left_over();
    if (first) std::rethrow_exception(first);
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

  // After each turn: the task that has ended goes, and whoever awaits it is next.
  void finish() {
    if (ended_ == 0) return;
    tasks_.erase(std::exchange(ended_, 0));
    if (std::shared_ptr<Ending> ending = std::exchange(ending_, nullptr); ending->waiting)
      ready_.push(ending->waiting);
    // Those that have ended well have nothing that run() could throw.
    std::erase_if(endings_, [](const std::shared_ptr<Ending>& each) {
      return each.use_count() == 1 && !each->left_over();
    });
  }

  template <class T>
  Task<> watch(int number, Task<T> task, std::shared_ptr<Outcome<T>> outcome) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        outcome->how.template emplace<1>();
      } else {
        outcome->how.template emplace<1>(co_await std::move(task));
      }
    } catch (...) {
      outcome->how.template emplace<2>(std::current_exception());
    }
    ended_ = number;
    ending_ = outcome;
  }

  static inline thread_local Executor* current_ = nullptr;
  ReadyQueue ready_;
  std::map<int, Task<>> tasks_;  // destroyed before the queue that they may stand in
  int next_number_ = 1;
  int ended_ = 0;  // by the coroutine that has just stopped
  std::shared_ptr<Ending> ending_;
  std::vector<std::shared_ptr<Ending>> endings_;
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it, or not yet. Throws std::logic_error if there is none.
template <class T>
JoinHandle<T> spawn(Task<T> task) {
  return Executor::current().spawn(std::move(task));
}
