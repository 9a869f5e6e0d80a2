#pragma once
// "Ask this one again": what a leaf future hands to whoever will know when there is something to
// ask for.

#include <memory>
#include <utility>

#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"

// Can be copied, and kept for longer than the task and its executor. wake() may be called on any
// thread, at any time and any number of times; one that comes too late does nothing.
class Waker {
 public:
  Waker(TaskId task, std::shared_ptr<ReadyQueue> queue, std::shared_ptr<Parker> parker)
      : task_(task), queue_(std::move(queue)), parker_(std::move(parker)) {}

  // First the number, then the call: whoever wakes up from it finds the number.
  void wake() const {
    narrate::say("wake", task_name(task_), "enqueued, its thread is unparked");
    queue_->push(task_);
    parker_->unpark();
  }

 private:
  TaskId task_;
  std::shared_ptr<ReadyQueue> queue_;
  std::shared_ptr<Parker> parker_;
};
