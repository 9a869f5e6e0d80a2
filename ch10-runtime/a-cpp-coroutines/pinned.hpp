#pragma once
// Futures that stay where they are made.

#include <memory>
#include <utility>

#include "future.hpp"

// Owns a future, which may be of any class. It moves, and the future does not.
template <class T>
using Pinned = std::unique_ptr<Future<T>>;

// Makes an F of these arguments in the place where it stays.
template <IsFuture F, class... Args>
Pinned<typename F::Output> pin(Args&&... args) {
  return std::make_unique<F>(std::forward<Args>(args)...);
}
