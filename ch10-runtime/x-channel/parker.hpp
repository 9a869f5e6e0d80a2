#pragma once
// Where a worker sleeps: on a word of its own, or, one of all, in the reactor.

#include <atomic>
#include <coroutine>
#include <span>

#include "narrate/narrate.hpp"
#include "reactor.hpp"

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once. Several count as one. What a thread has
// written before unpark() is seen after park(). One word, as in Rust's standard library: only an
// unpark() that finds somebody asleep enters the kernel.
class Parker {
 public:
  explicit Parker(Reactor& reactor) : reactor_(reactor) {}

  void park() {
    narrate::Span span("park");
    State found = State::empty;
    if (state_.compare_exchange_strong(found, State::parked)) state_.wait(State::parked);
    // Not stored but exchanged: so this reads what the last unpark() wrote, and sees what is
    // behind.
    state_.exchange(State::empty);
  }
  // The same in the reactor, by whoever holds it. Returns whom the reactor has found.
  std::span<const std::coroutine_handle<>> park_in_reactor() {
    std::span<const std::coroutine_handle<>> next;
    State found = State::empty;
    if (state_.compare_exchange_strong(found, State::in_reactor)) next = reactor_.wait();
    state_.exchange(State::empty);
    return next;
  }

  void unpark() {
    State before = state_.exchange(State::unparked);
    if (before == State::parked) state_.notify_one();
    if (before == State::in_reactor) reactor_.interrupt();
  }

 private:
  enum class State { empty, parked, in_reactor, unparked };
  Reactor& reactor_;
  std::atomic<State> state_ = State::empty;
};
