#pragma once
// The executor: polls a future whenever its waker has been called, and parks in between. It knows
// nothing of sources, and the reactor nothing of futures.

#include <memory>
#include <stdexcept>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "waker.hpp"

class Executor {
 public:
  // Polls the future until it is ready, on this thread, and returns its result. In between the
  // thread is parked, until the waker is called. What the future throws comes out of here. A waker
  // from an earlier call of block_on(), or one that its future has called at the end, makes nobody
  // poll a later one.
  template <IsFuture F>
  typename F::Output block_on(F future) {
    // Narrate each poll, and each time that it parks:
    //   narrate::say("poll", "root");
    //   narrate::Span span("park");
    (void)future;
    throw std::logic_error("Executor::block_on() is yours to write");
  }

  // How often it has polled, in all calls of block_on().
  [[nodiscard]] long polls() const { return polls_; }

 private:
  long polls_ = 0;
};
