// What the suite of ch01/c needs from your header.

#include <chrono>
#include <concepts>
#include <functional>

#include "timer_loop.hpp"

namespace {

template <class T>
concept HasClock = std::same_as<typename T::Clock, std::chrono::steady_clock>;
template <class T>
concept AddsAtDeadlines = requires(T loop, std::chrono::steady_clock::time_point deadline,
                                   std::function<void()> callback) { loop.at(deadline, callback); };
template <class T>
concept AddsAfterDelays = requires(T loop, std::chrono::milliseconds delay,
                                   std::function<void()> callback) { loop.after(delay, callback); };
template <class T>
concept Runs = requires(T loop) {
  { loop.run() } -> std::same_as<void>;
};

static_assert(HasClock<TimerLoop>,
              "TimerLoop needs: using Clock = std::chrono::steady_clock; in its public part");
static_assert(std::default_initializable<TimerLoop>,
              "a loop is made from nothing: TimerLoop loop;");
static_assert(!std::copyable<TimerLoop>, "callbacks refer to their loop: it must not be copied");
static_assert(AddsAtDeadlines<TimerLoop>,
              "TimerLoop needs: void at(Clock::time_point deadline, Callback callback)");
static_assert(AddsAfterDelays<TimerLoop>,
              "TimerLoop needs: void after(std::chrono::milliseconds delay, Callback callback)");
static_assert(Runs<TimerLoop>, "TimerLoop needs: void run()");

}  // namespace
