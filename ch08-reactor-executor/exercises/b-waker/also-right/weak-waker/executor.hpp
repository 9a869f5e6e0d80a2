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
    parker_ = std::make_shared<Parker>();  // those who know the old one wake nobody
    for (Waker waker(parker_);; parker_->park()) {
      narrate::say("poll", "root");
      ++polls_;
      if (PollState<typename F::Output> result = future.poll(waker); result.has_value())
        return std::move(result).value();
    }
  }

  [[nodiscard]] long polls() const { return polls_; }

 private:
  std::shared_ptr<Parker> parker_;
  long polls_ = 0;
};
