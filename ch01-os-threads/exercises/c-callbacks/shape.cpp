// What the suite of ch01/c needs from your header.

#include "testing/shape.hpp"

#include <chrono>
#include <functional>

#include "timer_loop.hpp"

using testing::a;
using Callback = std::function<void()>;
using Time = std::chrono::steady_clock::time_point;

NEEDS(TimerLoop, typename T::Clock(), std::chrono::steady_clock,
      "TimerLoop needs: using Clock = std::chrono::steady_clock; in its public part");
static_assert(std::default_initializable<TimerLoop>,
              "a loop is made from nothing: TimerLoop loop;");
static_assert(!std::copyable<TimerLoop>, "callbacks refer to their loop: it must not be copied");
NEEDS(TimerLoop, it.at(Time(), a<Callback>()), void,
      "TimerLoop needs: void at(Clock::time_point deadline, Callback callback)");
NEEDS(TimerLoop, it.after(std::chrono::milliseconds(), a<Callback>()), void,
      "TimerLoop needs: void after(std::chrono::milliseconds delay, Callback callback)");
NEEDS(TimerLoop, it.run(), void, "TimerLoop needs: void run()");
