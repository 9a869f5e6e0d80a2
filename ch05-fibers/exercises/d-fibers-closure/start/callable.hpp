#pragma once
// Whatever can be called without arguments: a function, a lambda with all that it has captured.

#include <concepts>
#include <stdexcept>
#include <utility>

// std::function can hold only what can be copied, and a closure that owns a socket can't. (C++23
// has std::move_only_function.) So the type is hidden behind a virtual function, by hand.
struct Callable {
  virtual ~Callable() = default;
  virtual void call() = 0;
};

template <std::invocable F>
struct CallableOf final : Callable {
  explicit CallableOf(F f) { (void)f; }
  void call() override { throw std::logic_error("CallableOf is yours to write"); }
};
