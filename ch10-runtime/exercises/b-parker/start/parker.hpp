#pragma once
// Where a thread sleeps until another one tells it to go on.

#include <atomic>
#include <stdexcept>

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once. Several count as one. What a thread has
// written before unpark() is seen after park(). One word, as in Rust's standard library: only an
// unpark() that finds somebody asleep enters the kernel.
class Parker {
 public:
  void park() {
    // std::atomic has wait(old), which sleeps while the word is `old`, and returns when it is
    // another one and notify_one() has been called.
    throw std::logic_error("Parker::park() is yours to write");
  }

  void unpark() { throw std::logic_error("Parker::unpark() is yours to write"); }

 private:
  enum class State { empty, parked, unparked };
  std::atomic<State> state_ = State::empty;
};
