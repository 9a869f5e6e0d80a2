// What the suite of ch10/k needs from your headers.

#include "testing/shape.hpp"

#include <concepts>
#include <coroutine>

#include "work_queue.hpp"

NEEDS(WorkQueue, it.push(std::coroutine_handle<>()), bool,
      "WorkQueue needs: bool push(std::coroutine_handle<>)");
NEEDS(WorkQueue, it.pop(), std::coroutine_handle<>,
      "WorkQueue needs: std::coroutine_handle<> pop()");
NEEDS(WorkQueue, it.steal(), std::coroutine_handle<>,
      "WorkQueue needs: std::coroutine_handle<> steal()");
NEEDS(WorkQueue, it.empty(), bool, "WorkQueue needs: bool empty()");
static_assert(std::default_initializable<WorkQueue>,
              "a WorkQueue is made of nothing: WorkQueue queue;");
