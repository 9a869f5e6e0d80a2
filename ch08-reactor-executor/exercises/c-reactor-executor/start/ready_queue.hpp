#pragma once
// Which tasks are to be polled next.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

// What a task is called by. An executor never gives the same number twice.
using TaskId = std::size_t;

inline std::string task_name(TaskId task) { return "task-" + std::to_string(task); }

// First in, first out; each task stands in it once at most. Any thread may push, and pop.
class ReadyQueue {
 public:
  void push(TaskId task) {
    (void)task;
    throw std::logic_error("ReadyQueue::push() is yours to write");
  }

  // The one that has waited longest, or none.
  std::optional<TaskId> pop() { throw std::logic_error("ReadyQueue::pop() is yours to write"); }
};
