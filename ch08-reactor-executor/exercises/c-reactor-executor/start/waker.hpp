#pragma once
// "Ask this one again": what a leaf future hands to whoever will know when there is something to
// ask for.

#include <memory>
#include <stdexcept>

#include "parker.hpp"
#include "ready_queue.hpp"

// Can be copied, and kept for longer than the task and its executor. wake() may be called on any
// thread, at any time and any number of times; one that comes too late does nothing.
class Waker {
 public:
  Waker(TaskId task, std::shared_ptr<ReadyQueue> queue, std::shared_ptr<Parker> parker) {
    (void)task, (void)queue, (void)parker;
    throw std::logic_error("Waker() is yours to write");
  }

  // Puts the task into the queue, and unparks the thread: in the order in which nothing is lost.
  void wake() const { throw std::logic_error("Waker::wake() is yours to write"); }
};
