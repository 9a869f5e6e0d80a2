#pragma once
// Where a thread sleeps until another one tells it to go on.

#include <atomic>

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once. Several count as one. What a thread has
// written before unpark() is seen after park(). One word, as in Rust's standard library: only an
// unpark() that finds somebody asleep enters the kernel.
class Parker {
 public:
  void park() {
    State found = State::empty;
    if (state_.compare_exchange_strong(found, State::parked)) state_.wait(State::parked);
    // Not stored but exchanged: so this reads what the last unpark() wrote, and sees what is
    // behind.
    state_.exchange(State::empty);
  }

  void unpark() {
    if (state_.exchange(State::unparked) == State::parked) state_.notify_one();
  }

 private:
  enum class State { empty, parked, unparked };
  std::atomic<State> state_ = State::empty;
};
