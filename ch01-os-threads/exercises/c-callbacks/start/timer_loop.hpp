#pragma once
// A loop that calls functions when their time has come. One thread can wait for any number of them.

#include <chrono>
#include <functional>
#include <stdexcept>

#include "narrate/narrate.hpp"

// Not thread-safe, on purpose: all callbacks run on the thread that is in run(), one after the
// other, and only that thread may add timers. So callbacks need no locks among themselves; and a
// callback that blocks holds up all others.
class TimerLoop {
 public:
  using Clock = std::chrono::steady_clock;  // the time of day may be set back, this clock never is
  // A std::function can be copied, and so can all that it owns. (C++23 has
  // std::move_only_function.)
  using Callback = std::function<void()>;

  TimerLoop() = default;
  TimerLoop(const TimerLoop&) = delete;
  TimerLoop& operator=(const TimerLoop&) = delete;
  // Callbacks whose time has not come are destroyed without a call. What they own may add timers
  // in its destructor: those go the same way.
  ~TimerLoop() = default;  // is that enough?

  // From now on run() will call `callback`: once, not before `deadline`, in the order of the
  // deadlines, and those with the same deadline in the order in which they were added.
  void at(Clock::time_point deadline, Callback callback) {
    (void)deadline, (void)callback;
    throw std::logic_error("TimerLoop::at() is yours to write");
  }

  // The same, counted from now. No delay, or less than none, means: soon, when all whose time has
  // come before have had their turn; never from inside after(). Every delay is allowed, also
  // milliseconds::max(), which many write for "never".
  void after(std::chrono::milliseconds delay, Callback callback) {
    (void)delay, (void)callback;
    throw std::logic_error("TimerLoop::after() is yours to write");
  }

  // Sleeps until the next deadline and calls what is due, until no timer is left. What a callback
  // throws comes out of here; the other timers are kept, and run() can be called again.
  // Where it has to sleep:  narrate::Span wait("wait", "in sleep_until(), a heap of ", size);
  void run() { throw std::logic_error("TimerLoop::run() is yours to write"); }

 private:
  // A heap, with the earliest timer in front: std::push_heap and std::pop_heap on a vector.
};
