#pragma once
// Which tasks are to be polled next: taken out in batches, so that pop() seldom meets the others.

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

using TaskId = std::size_t;

inline std::string task_name(TaskId task) { return "task-" + std::to_string(task); }

class ReadyQueue {
 public:
  // True: it is new in the queue.
  bool enqueue(TaskId task) {
    std::lock_guard lock(mutex_);
    if (std::ranges::count(in_, task) > 0) return false;
    if (std::find(out_.begin() + next_, out_.end(), task) != out_.end()) return false;
    in_.push_back(task);
    return true;
  }
  void push(TaskId task) { enqueue(task); }

  std::optional<TaskId> pop() {
    std::lock_guard lock(mutex_);
    if (next_ == std::ssize(out_)) {
      out_.clear();
      out_.swap(in_);
      next_ = 0;
    }
    if (out_.empty()) return {};
    return out_[static_cast<std::size_t>(next_++)];
  }

 private:
  std::mutex mutex_;
  std::vector<TaskId> in_, out_;
  std::ptrdiff_t next_ = 0;  // of out_
};
