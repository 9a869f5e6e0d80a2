// What the suite of ch08/c needs from your headers.

#include "testing/shape.hpp"

#include <concepts>
#include <memory>
#include <optional>

#include "executor.hpp"
#include "future.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"
#include "waker.hpp"

struct Now final : Future<Unit> {
  PollState<Unit> poll(const Waker&) override { return Unit{}; }
};
using Queue = std::shared_ptr<ReadyQueue>;
using Thread = std::shared_ptr<Parker>;

NEEDS(ReadyQueue, it.push(TaskId{1}), void, "ReadyQueue needs: void push(TaskId task)");
NEEDS(ReadyQueue, it.pop(), std::optional<TaskId>, "ReadyQueue needs: std::optional<TaskId> pop()");
static_assert(std::constructible_from<Waker, TaskId, Queue, Thread>,
              "Waker needs: Waker(TaskId task, std::shared_ptr<ReadyQueue> queue, "
              "std::shared_ptr<Parker> parker)");
static_assert(std::copyable<Waker>, "a Waker can be copied and assigned");
NEEDS(const Waker, it.wake(), void, "Waker needs: void wake() const");
NEEDS(Executor, it.spawn(Now()), void, "Executor needs: void spawn(F future), for any future F");
NEEDS(Executor, it.run(), void, "Executor needs: void run()");
NEEDS(const Executor, it.polls(), long, "Executor needs: long polls() const");
