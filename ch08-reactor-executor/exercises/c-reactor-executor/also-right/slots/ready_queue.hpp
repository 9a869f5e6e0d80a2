#pragma once
// Which tasks are to be polled next: numbered by when they came.

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

using TaskId = std::size_t;

inline std::string task_name(TaskId task) { return "task-" + std::to_string(task); }

class ReadyQueue {
 public:
  void push(TaskId task) {
    std::scoped_lock lock(mutex_);
    if (turn_of_.try_emplace(task, turns_).second) task_at_[turns_++] = task;
  }

  std::optional<TaskId> pop() {
    std::scoped_lock lock(mutex_);
    auto first = task_at_.begin();
    if (first == task_at_.end()) return std::nullopt;
    TaskId task = first->second;
    task_at_.erase(first);
    turn_of_.erase(task);
    return task;
  }

 private:
  std::mutex mutex_;
  std::size_t turns_ = 0;
  std::map<TaskId, std::size_t> turn_of_;
  std::map<std::size_t, TaskId> task_at_;
};
