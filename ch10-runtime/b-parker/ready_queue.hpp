#pragma once
// Which tasks are to be polled next.

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>

// What a task is called by. An executor never gives the same number twice.
using TaskId = std::size_t;

inline std::string task_name(TaskId task) { return "task-" + std::to_string(task); }

// First in, first out; each task stands in it once at most. Any thread may push, and pop.
class ReadyQueue {
 public:
  void push(TaskId task) {
    std::lock_guard lock(mutex_);
    if (members_.insert(task).second) tasks_.push_back(task);
  }

  // The one that has waited longest, or none.
  std::optional<TaskId> pop() {
    std::lock_guard lock(mutex_);
    if (tasks_.empty()) return std::nullopt;
    TaskId task = tasks_.front();
    tasks_.pop_front();
    members_.erase(task);
    return task;
  }

 private:
  std::mutex mutex_;
  std::deque<TaskId> tasks_;
  std::set<TaskId> members_;  // the same ones, to find them by
};
