#pragma once
// Where an executor's thread sleeps: until its reactor has somebody who is next, or until another
// thread tells it to go on.

#include <atomic>
#include <coroutine>
#include <span>

#include "reactor.hpp"

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once. Several count as one. What a thread has
// written before unpark() is seen after park(). One word, as in Rust's standard library: only an
// unpark() that finds somebody asleep enters the kernel.
class Parker {
 public:
  explicit Parker(Reactor& reactor) : reactor_(reactor) {}

  // Returns whom the reactor has found.
  std::span<const std::coroutine_handle<>> park() {
    std::span<const std::coroutine_handle<>> next;
    State found = State::empty;
    if (state_.compare_exchange_strong(found, State::parked)) next = reactor_.wait();
    // Not stored but exchanged: so this reads what the last unpark() wrote, and sees what is
    // behind.
    state_.exchange(State::empty);
    return next;
  }

  void unpark() {
    if (state_.exchange(State::unparked) == State::parked) reactor_.interrupt();
  }

 private:
  enum class State { empty, parked, unparked };
  Reactor& reactor_;
  std::atomic<State> state_ = State::empty;
};
