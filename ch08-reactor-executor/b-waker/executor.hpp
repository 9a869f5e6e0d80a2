#pragma once
// The executor: polls a future whenever its waker has been called, and parks in between. It knows
// nothing of sources, and the reactor nothing of futures.

#include <memory>
#include <utility>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "waker.hpp"

class Executor {
 public:
  // Polls the future until it is ready, on this thread, and returns its result. In between the
  // thread is parked, until the waker is called. What the future throws comes out of here.
  template <IsFuture F>
  typename F::Output block_on(F future) {
    auto parker = std::make_shared<Parker>();
    Waker waker(parker);
    while (true) {
      narrate::say("poll", "root");
      ++polls_;
      if (auto result = future.poll(waker)) return std::move(*result);
      narrate::Span span("park");
      parker->park();
    }
  }

  [[nodiscard]] long polls() const { return polls_; }

 private:
  long polls_ = 0;
};
