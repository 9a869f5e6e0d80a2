#pragma once
// Futures that stay where they are made.

#include <stdexcept>

#include "future.hpp"

// Owns a future, which may be of any class whose result is a T. It moves, and the future does not;
// it cannot be copied. The future is destroyed with it, or when another one is assigned to it.
// poll() is called as through a pointer: pinned->poll(waker).
//
// A class, or only a name for one that you know.
template <class T>
class Pinned {
 public:
  Future<T>* operator->() const { throw std::logic_error("Pinned is yours to write"); }
};

// Makes an F of these arguments in the place where it stays. They reach its constructor as they
// are given: what is a temporary here is one there, and a reference refers to the same object.
template <IsFuture F, class... Args>
Pinned<typename F::Output> pin(Args&&... args) {
  ((void)args, ...);
  throw std::logic_error("pin() is yours to write");
}
