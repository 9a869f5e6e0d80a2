#pragma once
// A future: work as an object. It does nothing by itself, and goes on when it is asked.

#include <concepts>
#include <optional>

#include "waker.hpp"

// The answer to poll(): the result, or nothing yet.
template <class T>
using PollState = std::optional<T>;

// The result of what only had to happen. (An optional void does not exist.)
struct Unit {};

// The contract: poll() goes on as far as it can without blocking. An answer without a value means
// "ask again when the waker is called": a leaf has left a copy of it where it will be called. Of
// several polls the waker of the last one counts. The value comes once; to poll after that, or
// after poll() has thrown, is an error (std::logic_error). Nothing happens before the first poll().
// To destroy a future is to cancel its work. One thread at a time.
template <class T>
class Future {
 public:
  using Output = T;
  virtual ~Future() = default;
  [[nodiscard]] virtual PollState<T> poll(const Waker& waker) = 0;

 protected:
  // It does not move, and nor does what is derived from it: a machine may point into itself.
  Future() = default;
  Future(Future&&) = delete;
  Future& operator=(Future&&) = delete;
};

template <class F>
concept IsFuture = std::derived_from<F, Future<typename F::Output>>;
