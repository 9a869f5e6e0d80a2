#pragma once
// Many tasks as one: all of them, or the first of them.

#include <coroutine>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "task.hpp"

// What both have in common: runs the tasks side by side, and goes on when the last one has ended.
// They stay where they are meanwhile: in the frame of whoever waits, which owns them. If it is
// destroyed, so are they.
template <class T>
class Race final : public Ending {
 public:
  explicit Race(std::vector<Task<T>>& tasks) : tasks_(tasks) {}

  // True: there is nothing to wait for.
  bool await_ready() const { throw std::logic_error("Race::await_ready() is yours to write"); }
  // Called when `parent` has stopped. Each task has to know whom it tells of its end (see
  // TaskPromise::ending), and must get one turn to begin with: by next_to_run, which names one, or
  // from the executor's ready queue.
  void await_suspend(std::coroutine_handle<> parent) {
    (void)parent;
    throw std::logic_error("Race::await_suspend() is yours to write");
  }
  // Which one has ended first.
  std::size_t await_resume() const {
    throw std::logic_error("Race::await_resume() is yours to write");
  }

 private:
  // This task has ended, and has stopped for good. Says who is next; nobody: nullptr.
  std::coroutine_handle<> ended(std::coroutine_handle<> task) noexcept override {
    // Yours to write. (No exception may leave the end of a coroutine.)
    (void)task;
    return nullptr;
  }

  std::vector<Task<T>>& tasks_;
};

// Once a task has ended, task.handle().promise().result() is its result, or throws its exception.

// Their results, in the order of the tasks. If some throw, the exception of the first of them in
// that order comes out, and not before all have ended.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  (void)tasks;
  throw std::logic_error("when_all() is yours to write");
}
inline Task<> when_all(std::vector<Task<>> tasks) {
  (void)tasks;
  throw std::logic_error("when_all() of tasks without results is yours to write");
}

// The number of the one that has ended first, and its result or exception. The others go on to
// their ends: their frames are ours, so it waits for them, and their results are dropped. Of no
// tasks: std::logic_error, when it is awaited.
template <class T>
Task<std::pair<std::size_t, T>> when_any(std::vector<Task<T>> tasks) {
  (void)tasks;
  throw std::logic_error("when_any() is yours to write");
}
inline Task<std::size_t> when_any(std::vector<Task<>> tasks) {
  (void)tasks;
  throw std::logic_error("when_any() of tasks without results is yours to write");
}
