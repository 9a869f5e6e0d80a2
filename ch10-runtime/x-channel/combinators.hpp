#pragma once
// Many tasks as one: all of them, or the first of them.

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include "cancel.hpp"
#include "executor.hpp"
#include "task.hpp"

inline bool is_cancelled(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

// When the other tasks of a Race are asked to stop.
enum class Stop { at_first_end, at_first_error };

// What both have in common: runs the tasks side by side, and goes on when the last one has ended.
// They stay where they are meanwhile. A stop of whoever waits reaches all of them.
template <class T>
class Race final : public Ending {
 public:
  Race(std::vector<Task<T>>& tasks, Stop stop) : tasks_(tasks), open_(tasks.size()), stop_(stop) {}

  bool await_ready() const noexcept { return tasks_.empty(); }
  // The first one runs at once, the others in their turn.
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> parent) {
    parent_ = parent;
    pass_on_.begin(parent, RequestStop{&source_});
    for (Task<T>& task : tasks_) {
      task.handle().promise().ending = this;
      task.handle().promise().stop = source_.get_token();
    }
    // The first one keeps everything alive until we are through: it has not begun, so it cannot
    // have ended.
    ReadyQueue& ready = Executor::current().ready();
    for (std::size_t i = 1; i < tasks_.size(); ++i) ready.push(tasks_[i].handle());
    next_to_run = tasks_.front().handle();
  }
  // The number of the one that made the others stop, if there was one.
  std::optional<std::size_t> await_resume() noexcept {
    pass_on_.end();
    return decider_;
  }

 private:
  std::coroutine_handle<> ended(std::coroutine_handle<> task,
                                TaskPromise& promise) noexcept override {
    if ((promise.error || stop_ == Stop::at_first_end) && decides(task, promise.error))
      source_.request_stop();
    return --open_ == 0 ? parent_ : nullptr;
  }

  // The first end, or the first error: but one that has failed counts for more than one that has
  // stopped because it was asked to.
  bool decides(std::coroutine_handle<> task, const std::exception_ptr& error) noexcept {
    std::lock_guard lock(mutex_);
    if (decider_ && !(stop_ == Stop::at_first_error && !is_cancelled(error) &&
                      is_cancelled(tasks_[*decider_].handle().promise().error)))
      return false;
    decider_ = 0;
    while (tasks_[*decider_].handle() != task) ++*decider_;
    return true;
  }

  std::vector<Task<T>>& tasks_;
  std::atomic<std::size_t> open_;
  Stop stop_;
  std::mutex mutex_;
  std::optional<std::size_t> decider_;
  std::coroutine_handle<> parent_;
  std::stop_source source_;
  StopWatch<RequestStop> pass_on_;
};

// Their results, in the order of the tasks. If one throws, the others are asked to stop, and when
// all have ended its exception comes out. Cancelled comes out only where nothing else does.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::optional<std::size_t> failed = co_await Race(tasks, Stop::at_first_error);
  if (failed) tasks[*failed].handle().promise().result();
  std::vector<T> results;
  for (Task<T>& task : tasks) results.push_back(task.handle().promise().result());
  co_return results;
}
inline Task<> when_all(std::vector<Task<>> tasks) {
  std::optional<std::size_t> failed = co_await Race(tasks, Stop::at_first_error);
  if (failed) tasks[*failed].handle().promise().result();
}

// The number of the one that has ended first, and its result or exception. The others are asked to
// stop. Their frames are ours, so it waits for them, and their results are dropped.
template <class T>
Task<std::pair<std::size_t, T>> when_any(std::vector<Task<T>> tasks) {
  if (tasks.empty()) throw std::logic_error("when_any() of no tasks");
  std::optional<std::size_t> winner = co_await Race(tasks, Stop::at_first_end);
  co_return std::pair<std::size_t, T>(*winner, tasks[*winner].handle().promise().result());
}
inline Task<std::size_t> when_any(std::vector<Task<>> tasks) {
  if (tasks.empty()) throw std::logic_error("when_any() of no tasks");
  std::optional<std::size_t> winner = co_await Race(tasks, Stop::at_first_end);
  tasks[*winner].handle().promise().result();
  co_return *winner;
}
