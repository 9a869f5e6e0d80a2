#pragma once
// A loop that calls functions when their time has come. One thread can wait for any number of them.

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <utility>

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
  ~TimerLoop() {
    while (!timers_.empty()) (void)timers_.extract(timers_.begin());
  }

  // From now on run() will call `callback`: once, not before `deadline`, in the order of the
  // deadlines, and those with the same deadline in the order in which they were added.
  void at(Clock::time_point deadline, Callback callback) {
    timers_.emplace(deadline, std::move(callback));
  }

  // The same, counted from now. No delay, or less than none, means: soon, when all whose time has
  // come before have had their turn; never from inside after(). Every delay is allowed, also
  // milliseconds::max(), which many write for "never".
  void after(std::chrono::milliseconds delay, Callback callback) {
    // More than the clock can count would overflow in the sum.
    constexpr std::chrono::milliseconds longest = std::chrono::years(100);
    at(Clock::now() + std::clamp(delay, std::chrono::milliseconds(0), longest),
       std::move(callback));
  }

  // Sleeps until the next deadline and calls what is due, until no timer is left. What a callback
  // throws comes out of here; the other timers are kept, and run() can be called again.
  void run() {
    while (!timers_.empty()) {
      if (Clock::time_point deadline = timers_.begin()->first; Clock::now() < deadline) {
        narrate::Span wait("wait", "in poll(), a map of ", timers_.size());
        while (Clock::now() < deadline) {
          auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
          (void)::poll(nullptr, 0, static_cast<int>(std::min<long>(left.count(), 1'000'000'000)));
        }
      }
      // Out of the heap before it is called: it may add timers, which moves the others about.
      auto timer = timers_.extract(timers_.begin());
      timer.mapped()();
    }
  }

 private:
  std::multimap<Clock::time_point, Callback> timers_;  // equal keys keep their order
};
