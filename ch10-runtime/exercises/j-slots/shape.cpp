// What the suite of ch10/j needs from your headers.

#include "testing/shape.hpp"

#include <concepts>
#include <coroutine>

#include "readiness.hpp"
#include "timer_wheel.hpp"

NEEDS(Readiness, it.wait(testing::a<std::coroutine_handle<>>()), bool,
      "Readiness needs: bool wait(std::coroutine_handle<> handle)");
NEEDS(Readiness, it.set(), std::coroutine_handle<>,
      "Readiness needs: std::coroutine_handle<> set()");
NEEDS(Readiness, it.close(), std::coroutine_handle<>,
      "Readiness needs: std::coroutine_handle<> close()");
NEEDS(Readiness, it.reset(), void, "Readiness needs: void reset()");
static_assert(std::default_initializable<Readiness>,
              "a Readiness is made of nothing: Readiness readiness;");
NEEDS(Timer, it.deadline, Tick&, "Timer needs: Tick deadline");
NEEDS(Timer, it.readiness, Readiness*&, "Timer needs: Readiness* readiness");
NEEDS(Timer, it.passed, bool&, "Timer needs: bool passed");
static_assert(std::default_initializable<Timer>, "a Timer is made of nothing: Timer timer;");
static_assert(std::constructible_from<TimerWheel, Tick>,
              "TimerWheel needs: explicit TimerWheel(Tick now)");
static_assert(TimerWheel::never == ~Tick{0},
              "TimerWheel needs: static constexpr Tick never = ~Tick{0};");
NEEDS(TimerWheel, it.add(testing::a<Timer&>()), void, "TimerWheel needs: void add(Timer& timer)");
NEEDS(TimerWheel, it.remove(testing::a<Timer&>()), void,
      "TimerWheel needs: void remove(Timer& timer)");
NEEDS(TimerWheel, it.next(), Tick, "TimerWheel needs: Tick next()");
NEEDS(TimerWheel, it.advance(Tick{0}, [](Timer&) {}), void,
      "TimerWheel needs: void advance(Tick now, Passed passed)");
