#pragma once
// Many futures as one: a list of those that are not ready, which knows their places, and shrinks.

#include <cstddef>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "future.hpp"

template <class T>
using Box = std::unique_ptr<Future<T>>;

template <IsFuture F>
Box<typename F::Output> box(F future) {
  return std::make_unique<F>(std::move(future));
}

template <class T>
class JoinAll final : public Future<std::vector<T>> {
 public:
  explicit JoinAll(std::vector<Box<T>> futures) {
    for (Box<T>& future : futures) open_.emplace_back(open_.size(), std::move(future));
  }

  PollState<std::vector<T>> poll() override {
    if (over_) throw std::logic_error("polled after the end");
    for (std::size_t i = open_.size(); i > 0; --i) ask(open_[i - 1]);
    if (!open_.empty()) return {};
    over_ = true;
    std::vector<T> all;
    for (auto& [place, result] : results_) all.push_back(std::move(result));
    return all;
  }

 private:
  using Open = std::pair<std::size_t, Box<T>>;

  void ask(Open& one) try {
    PollState<T> result = one.second->poll();
    if (!result) return;
    results_.emplace(one.first, std::move(*result));
    std::swap(one, open_.back());  // from behind: the last one was asked already
    open_.pop_back();
  } catch (...) {
    over_ = true;
    throw;
  }

  std::vector<Open> open_;
  std::map<std::size_t, T> results_;
  bool over_ = false;
};

template <class T>
JoinAll<T> join_all(std::vector<Box<T>> futures) {
  return JoinAll<T>(std::move(futures));
}
