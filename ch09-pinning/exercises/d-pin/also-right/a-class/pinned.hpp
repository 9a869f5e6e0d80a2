#pragma once
// Futures that stay where they are made: Pinned as a class of its own, with nothing but what it
// needs.

#include <utility>

#include "future.hpp"

template <class T>
class [[nodiscard]] Pinned {
 public:
  Pinned(Pinned&& other) noexcept : future_(std::exchange(other.future_, nullptr)) {}
  Pinned& operator=(Pinned&& other) noexcept {
    Pinned moved(std::move(other));  // what we have held goes with it
    std::swap(future_, moved.future_);
    return *this;
  }
  ~Pinned() { delete future_; }

  Future<T>* operator->() const { return future_; }

 private:
  template <IsFuture F, class... Args>
  friend Pinned<typename F::Output> pin(Args&&... args);

  explicit Pinned(Future<T>* future) : future_(future) {}

  Future<T>* future_;
};

template <IsFuture F, class... Args>
Pinned<typename F::Output> pin(Args&&... args) {
  return Pinned<typename F::Output>(new F(std::forward<Args>(args)...));
}
