#pragma once
// Futures that stay where they are made: a place of a known class, behind a pointer that forgets
// the class, and knows how to destroy it.

#include <memory>
#include <utility>

#include "future.hpp"

template <class T>
struct Destroy {
  void (*destroy)(Future<T>*) = nullptr;
  void operator()(Future<T>* future) const { destroy(future); }
};

template <class T>
using Pinned = std::unique_ptr<Future<T>, Destroy<T>>;

template <IsFuture F, class... Args>
auto pin(Args&&... args) -> Pinned<typename F::Output> {
  using T = typename F::Output;
  auto destroy = [](Future<T>* future) { delete static_cast<F*>(future); };
  return Pinned<T>(new F(std::forward<Args>(args)...), Destroy<T>{destroy});
}
