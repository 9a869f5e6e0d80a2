#pragma once
// What a vector that grows does with its elements, in slow motion: a future changes its place.

#include <memory>
#include <optional>
#include <utility>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "waker.hpp"

// What stays behind where a future was: it, moved from, or freed memory.
enum class Leaves { old_one, nothing };

// The future's result is its own. Between the first poll and the second the future is moved to
// another place.
template <IsFuture F>
class MovesOnce final : public Future<typename F::Output> {
 public:
  MovesOnce(F future, Leaves leaves)
      : first_(std::make_unique<F>(std::move(future))), leaves_(leaves) {}

  PollState<typename F::Output> poll(const Waker& waker) override {
    if (second_) return second_->poll(waker);
    auto result = first_->poll(waker);
    if (result) return result;
    second_ = std::make_unique<F>(std::move(*first_));
    narrate::say("move", "main", "from ", first_.get(), " to ", second_.get());
    if (leaves_ == Leaves::nothing) first_.reset();
    return std::nullopt;
  }

 private:
  std::unique_ptr<F> first_, second_;
  Leaves leaves_;
};
