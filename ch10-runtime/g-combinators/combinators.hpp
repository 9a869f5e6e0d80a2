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
// They stay where they are meanwhile.
template <class T>
class Race final : public Ending {
 public:
  explicit Race(std::vector<Task<T>>& tasks) : tasks_(tasks), open_(tasks.size()) {}

  bool await_ready() const noexcept { return tasks_.empty(); }
  // The first one runs at once, the others in their turn.
  void await_suspend(std::coroutine_handle<> parent) {
    parent_ = parent;
    for (Task<T>& task : tasks_) task.handle().promise().ending = this;
    for (std::size_t i = 1; i < tasks_.size(); ++i)
      Executor::current().ready().push(tasks_[i].handle());
    next_to_run = tasks_.front().handle();
  }
  // Which one has ended first.
  std::size_t await_resume() const noexcept { return winner_; }

 private:
  std::coroutine_handle<> ended(std::coroutine_handle<> task) noexcept override {
    if (open_ == tasks_.size())
      while (tasks_[winner_].handle() != task) ++winner_;
    return --open_ == 0 ? parent_ : nullptr;
  }

  std::vector<Task<T>>& tasks_;
  std::size_t open_;
  std::size_t winner_ = 0;
  std::coroutine_handle<> parent_;
};

// Their results, in the order of the tasks. If some throw, the exception of the first of them in
// that order comes out, and not before all have ended.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  co_await Race(tasks);
  std::vector<T> results;
  for (Task<T>& task : tasks) results.push_back(task.handle().promise().result());
  co_return results;
}
inline Task<> when_all(std::vector<Task<>> tasks) {
  co_await Race(tasks);
  for (Task<>& task : tasks) task.handle().promise().result();
}

// The number of the one that has ended first, and its result or exception. The others go on to
// their ends: their frames are ours, so it waits for them, and their results are dropped.
template <class T>
Task<std::pair<std::size_t, T>> when_any(std::vector<Task<T>> tasks) {
  if (tasks.empty()) throw std::logic_error("when_any() of no tasks");
  std::size_t winner = co_await Race(tasks);
  co_return std::pair<std::size_t, T>(winner, tasks[winner].handle().promise().result());
}
inline Task<std::size_t> when_any(std::vector<Task<>> tasks) {
  if (tasks.empty()) throw std::logic_error("when_any() of no tasks");
  std::size_t winner = co_await Race(tasks);
  tasks[winner].handle().promise().result();
  co_return winner;
}
