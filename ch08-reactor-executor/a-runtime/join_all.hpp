#pragma once
// Many futures as one: ready when all of them are.

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "future.hpp"

// A future behind a pointer, whatever its class: so those of many classes fit into one vector.
template <class T>
using Box = std::unique_ptr<Future<T>>;

// Moves a future into a Box.
template <IsFuture F>
Box<typename F::Output> box(F future) {
  return std::make_unique<F>(std::move(future));
}

// Its result is theirs, in the order in which the futures were given. Each poll asks every one that
// is not ready yet, once, and destroys those that are ready now. With no futures the first poll is
// ready. An exception of one leaves poll() at once and ends the whole: nobody is asked after it,
// and the others are destroyed with the JoinAll. A T only has to be movable; no Box may be empty.
template <class T>
class JoinAll final : public Future<std::vector<T>> {
 public:
  explicit JoinAll(std::vector<Box<T>> futures)
      : futures_(std::move(futures)), results_(futures_.size()), open_(futures_.size()) {}

  PollState<std::vector<T>> poll() override {
    if (std::exchange(resolved_, true))
      throw std::logic_error("JoinAll: polled after it was ready");
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      if (!futures_[i]) continue;
      results_[i] = futures_[i]->poll();
      if (!results_[i]) continue;
      futures_[i].reset();
      --open_;
    }
    if (open_ > 0) {
      resolved_ = false;
      return std::nullopt;
    }
    std::vector<T> all;
    all.reserve(results_.size());
    for (PollState<T>& result : results_) all.push_back(std::move(*result));
    return all;
  }

 private:
  std::vector<Box<T>> futures_;        // of those that are not ready, else nullptr
  std::vector<PollState<T>> results_;  // of those that are
  std::size_t open_;
  bool resolved_ = false;
};

template <class T>
JoinAll<T> join_all(std::vector<Box<T>> futures) {
  return JoinAll<T>(std::move(futures));
}
