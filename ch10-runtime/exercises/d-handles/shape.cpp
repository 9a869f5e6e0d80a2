// What the suite of ch10/d needs from your headers.

#include "testing/shape.hpp"

#include <concepts>
#include <coroutine>
#include <string>

#include "executor.hpp"
#include "net/fd.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"
#include "task.hpp"

static_assert(std::same_as<decltype(next_to_run), std::coroutine_handle<>>,
              "task.hpp needs: thread_local std::coroutine_handle<> next_to_run");
NEEDS(std::coroutine_handle<>, run(it), void,
      "task.hpp needs: void run(std::coroutine_handle<> handle)");
NEEDS(Task<>, it.handle().resume(), void, "Task needs: its coroutine's handle()");
NEEDS(Task<int>, testing::a<T>().operator co_await().await_resume(), int,
      "Task<T> needs: operator co_await() &&, whose await_resume() returns a T");
static_assert(std::movable<Task<int>> && !std::copyable<Task<int>>,
              "a Task is moved, but not copied: it owns the frame");
NEEDS(Executor, T::current(), Executor&, "Executor needs: static Executor& current()");
NEEDS(Executor, it.spawn(testing::a<Task<>>()), void, "Executor needs: void spawn(Task<> task)");
NEEDS(Executor, it.run(), void, "Executor needs: void run()");
NEEDS(Executor, it.ready(), ReadyQueue&, "Executor needs: ReadyQueue& ready()");
NEEDS(Reactor, it.add(testing::a<const net::Fd&>(), std::string()), Registration,
      "Reactor needs: Registration add(const net::Fd& source, std::string_view name)");
NEEDS(Registration, it.wait(testing::a<std::coroutine_handle<>>(), testing::a<ReadyQueue&>()), bool,
      "Registration needs: bool wait(std::coroutine_handle<> handle, ReadyQueue& queue)");
