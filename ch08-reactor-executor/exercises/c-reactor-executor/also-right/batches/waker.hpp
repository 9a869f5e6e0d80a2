#pragma once
// Does not keep the executor's things alive, and unparks only for a number that is new in the
// queue: for the others somebody has done so, or is about to.

#include <memory>

#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"

class Waker {
 public:
  Waker(TaskId task, std::shared_ptr<ReadyQueue> queue, std::shared_ptr<Parker> parker)
      : target_(std::make_shared<Target>(Target{task, queue, parker})) {}

  void wake() const {
    std::shared_ptr<ReadyQueue> queue = target_->queue.lock();
    std::shared_ptr<Parker> parker = target_->parker.lock();
    if (!queue || !parker) return;
    narrate::say("wake", task_name(target_->task), "enqueued");
    if (queue->enqueue(target_->task)) parker->unpark();
  }

 private:
  struct Target {
    TaskId task;
    std::weak_ptr<ReadyQueue> queue;
    std::weak_ptr<Parker> parker;
  };
  std::shared_ptr<const Target> target_;
};
