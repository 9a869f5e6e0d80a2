#pragma once
// The executor: owns tasks, polls those whose wakers have been called, and parks when there are
// none. It knows nothing of sources, and the reactor nothing of tasks.

#include <concepts>
#include <stdexcept>

#include "future.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"
#include "waker.hpp"

// Every function is for one thread at a time. The tasks that have not ended when it is destroyed
// are dropped: to destroy a future is to cancel its work.
class Executor {
 public:
  // The future becomes a task, which is polled for the first time in run(). A task may spawn others
  // while it is polled.
  template <IsFuture F>
    requires std::same_as<typename F::Output, Unit>
  void spawn(F future) {
    (void)future;
    throw std::logic_error("Executor::spawn() is yours to write");
  }

  // Polls, on this thread, each task once at the start, and again whenever its waker has been
  // called, in that order; parks when there is nobody to poll. A task that has ended is destroyed
  // before the next one is polled. Returns when all have ended. What a task throws ends that task
  // only: the first exception comes out of here when all have ended.
  void run() { throw std::logic_error("Executor::run() is yours to write"); }

  // How often it has polled.
  [[nodiscard]] long polls() const {
    throw std::logic_error("Executor::polls() is yours to write");
  }
};
