// What the suite of ch10/h needs from your headers.

#include "testing/shape.hpp"

#include <coroutine>
#include <stop_token>

#include "cancel.hpp"
#include "group.hpp"

struct Wakes {
  void operator()() const {}
};
using Watch = StopWatch<Wakes>;
using Handle = Task<>::Handle;
using Body = Task<> (*)(TaskGroup&);

NEEDS(Watch, it.begin(Handle(), Wakes()), void,
      "StopWatch needs: void begin(std::coroutine_handle<Promise> task, Wake wake)");
NEEDS(Watch, it.end(), void, "StopWatch needs: void end()");
NEEDS(const Watch, it.throw_if_stopped(), void, "StopWatch needs: void throw_if_stopped() const");
NEEDS(Task<int>, with_token(std::stop_token(), std::move(it)).await_resume(), int,
      "with_token(token, task) needs: its co_await gives the task's result");
NEEDS(TaskGroup, it.spawn(std::declval<Task<>>()), void,
      "TaskGroup needs: void spawn(Task<> task)");
NEEDS(TaskGroup, it.request_stop(), void, "TaskGroup needs: void request_stop()");
NEEDS(Body, with_group(it), Task<>, "with_group(body) needs: it returns Task<>");
NEEDS(Task<int>, with_timeout(Clock::duration(), std::move(it)), Task<int>,
      "with_timeout() needs: Task<T> with_timeout(Clock::duration time, Task<T> task)");
NEEDS(Task<>, with_timeout(Clock::duration(), std::move(it)), Task<>,
      "with_timeout() needs: Task<> with_timeout(Clock::duration time, Task<> task)");
