#pragma once
// The executor: owns tasks, resumes those coroutines that are ready, and waits in its reactor when
// there are none.

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "join_handle.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
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
  template <class T>
  JoinHandle<T> spawn(Task<T> task) {
    int number = next_number_++;
    auto outcome = std::make_shared<ValueOutcome<T>>(ready_);
    auto place = tasks_.emplace(number, watch(number, std::move(task), outcome)).first;
    ready_.push(place->second.handle());
    return JoinHandle<T>(outcome);
  }

  // Resumes, on this thread, each task once at the start, and then whoever is pushed into the
  // queue; waits in the reactor when nobody is. Returns when all have ended. What a task throws
  // ends that task only: the first exception comes out of here when all have ended. A thread runs
  // one executor at a time: std::logic_error.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    Running running(this);
    while (true) {
      for (int turns = 1; std::coroutine_handle<> handle = ready_.pop(); ++turns) {
        ::run(handle);
        if (ended_) tasks_.extract(*std::exchange(ended_, std::nullopt));
        // Who is always ready must not keep this thread from hearing of the others.
        if (turns % 64 == 0) ready_.look();
      }
      if (tasks_.empty()) break;
      ready_.wait();
    }
    for (const std::shared_ptr<Outcome>& failed : std::exchange(failed_, {}))
      if (!failed->awaited) std::rethrow_exception(failed->error);
  }

  // Where the coroutines wait that are to be resumed here.
  [[nodiscard]] ReadyQueue& ready() { return ready_; }
  // What they wait in.
  [[nodiscard]] Reactor& reactor() { return reactor_; }

 private:
  // Makes the executor known to what it runs.
  struct Running {
    explicit Running(Executor* executor) { current_ = executor; }
    Running(const Running&) = delete;
    ~Running() { current_ = nullptr; }
  };

  // The task's own parent, for the executor awaits nobody. It only notes that it has ended: its
  // frame cannot be destroyed while it runs.
  template <class T>
  Task<> watch(int number, Task<T> task, std::shared_ptr<ValueOutcome<T>> outcome) {
    narrate::start("task-" + std::to_string(number));
    try {
      if constexpr (std::is_void_v<T>)
        co_await std::move(task);
      else
        outcome->value = co_await std::move(task);
    } catch (...) {
      narrate::say("failed", "task-" + std::to_string(number));
      outcome->error = std::current_exception();
      failed_.push_back(outcome);
    }
    narrate::done("task-" + std::to_string(number));
    outcome->ended = true;
    outcome->wake();
    ended_ = number;
  }

  static inline thread_local Executor* current_ = nullptr;
  Reactor reactor_;
  ReadyQueue ready_{reactor_};
  std::map<int, Task<>> tasks_;  // destroyed before the queue that they may stand in
  int next_number_ = 1;
  std::optional<int> ended_;  // by the coroutine that has just stopped
  std::vector<std::shared_ptr<Outcome>> failed_;
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it, or not yet. Throws std::logic_error if there is none.
template <class T>
JoinHandle<T> spawn(Task<T> task) {
  return Executor::current().spawn(std::move(task));
}
