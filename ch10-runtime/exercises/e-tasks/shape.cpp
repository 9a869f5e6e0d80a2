// What the suite of ch10/e needs from your headers.

#include "testing/shape.hpp"

#include <concepts>
#include <memory>
#include <utility>

#include "blocking.hpp"
#include "executor.hpp"
#include "join_handle.hpp"
#include "task.hpp"

NEEDS(Executor, it.spawn(testing::a<Task<int>>()), JoinHandle<int>,
      "Executor needs: template <class T> JoinHandle<T> spawn(Task<T> task)");
NEEDS(Task<>, spawn(testing::a<T>()), JoinHandle<void>,
      "executor.hpp needs: template <class T> JoinHandle<T> spawn(Task<T> task)");
NEEDS(Executor, it.run(), void, "Executor needs: void run()");
NEEDS(JoinHandle<std::unique_ptr<int>>, testing::a<T>().operator co_await().await_resume(),
      std::unique_ptr<int>,
      "JoinHandle<T> needs: operator co_await() &&, whose await_resume() returns a T");
NEEDS(JoinHandle<void>, testing::a<T>().operator co_await().await_resume(), void,
      "JoinHandle<void> needs: operator co_await() &&, whose await_resume() returns nothing");
static_assert(std::movable<JoinHandle<int>>, "a JoinHandle can be moved: std::movable");
NEEDS(int (*)(), spawn_blocking(it).await_resume(), int,
      "blocking.hpp needs: spawn_blocking(f), which can be awaited and gives the result of f()");
NEEDS(void (*)(), spawn_blocking(it).await_resume(), void,
      "blocking.hpp needs: spawn_blocking(f), also for an f that returns nothing");
