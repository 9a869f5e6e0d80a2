#pragma once
// Many futures as one: each beside its result, and nobody counts.

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "future.hpp"

template <class T>
using Box = std::unique_ptr<Future<T>>;

template <IsFuture F>
Box<typename F::Output> box(F future) {
  return Box<typename F::Output>(new F(std::move(future)));
}

template <class T>
class JoinAll final : public Future<std::vector<T>> {
 public:
  explicit JoinAll(std::vector<Box<T>> futures) : pairs_(std::in_place) {
    for (Box<T>& future : futures) pairs_->push_back({std::move(future), std::nullopt});
  }

  PollState<std::vector<T>> poll() override {
    if (!pairs_) throw std::logic_error("JoinAll: there is no more to come");
    std::vector<Pair> pairs = *std::exchange(pairs_, std::nullopt);  // all go if one throws
    for (Pair& pair : pairs) {
      if (!pair.result) pair.result = pair.future->poll();
      if (pair.result) pair.future = nullptr;
    }
    if (!std::ranges::all_of(pairs, [](const Pair& pair) { return pair.result.has_value(); })) {
      pairs_ = std::move(pairs);
      return std::nullopt;
    }
    std::vector<T> results;
    for (Pair& pair : pairs) results.push_back(std::move(*pair.result));
    return results;
  }

 private:
  struct Pair {
    Box<T> future;
    std::optional<T> result;
  };
  std::optional<std::vector<Pair>> pairs_;  // none when it is over
};

template <class T>
JoinAll<T> join_all(std::vector<Box<T>> futures) {
  return JoinAll<T>(std::move(futures));
}
