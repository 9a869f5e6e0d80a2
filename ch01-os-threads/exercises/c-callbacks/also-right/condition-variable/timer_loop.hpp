#pragma once
// A loop that calls functions when their time has come. One thread can wait for any number of them.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

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
    while (!timers_.empty()) (void)take_earliest();
  }

  // From now on run() will call `callback`: once, not before `deadline`, in the order of the
  // deadlines, and those with the same deadline in the order in which they were added.
  void at(Clock::time_point deadline, Callback callback) {
    timers_.push_back({deadline, ++added_, std::move(callback)});
    std::push_heap(timers_.begin(), timers_.end(), later);
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
      if (Clock::time_point deadline = timers_.front().deadline; Clock::now() < deadline) {
        narrate::Span wait("wait", "in wait_until(), a heap of ", timers_.size());
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable never;
        never.wait_until(lock, deadline, [&] { return Clock::now() >= deadline; });
      }
      // Out of the heap before it is called: it may add timers, which moves the others about.
      Timer timer = take_earliest();
      timer.callback();
    }
  }

 private:
  struct Timer {
    Clock::time_point deadline;
    std::uint64_t number;  // how many were added before it, to tell equal deadlines apart
    Callback callback;
  };

  // The order of the heap. The standard library's heaps have the largest in front, ours shall have
  // the earliest: so "less" means later.
  static bool later(const Timer& a, const Timer& b) {
    return a.deadline != b.deadline ? a.deadline > b.deadline : a.number > b.number;
  }

  Timer take_earliest() {
    std::pop_heap(timers_.begin(), timers_.end(), later);  // moves it to the back
    Timer earliest = std::move(timers_.back());
    timers_.pop_back();
    return earliest;
  }

  // A heap, with the earliest timer in front. std::priority_queue is the same, but its top() is
  // const: a callback could only be copied out of it.
  std::vector<Timer> timers_;
  std::uint64_t added_ = 0;
};
