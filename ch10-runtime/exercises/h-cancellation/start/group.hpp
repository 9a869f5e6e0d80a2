#pragma once
// Tasks that are not known beforehand, and whose number is not; and a task with a time limit.

#include <coroutine>
#include <stdexcept>
#include <utility>

#include "cancel.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "narrate/narrate.hpp"
#include "sleep.hpp"
#include "task.hpp"

// Children that never outlive it. Only with_group() makes one. All of it is for one thread.
class TaskGroup final : public Ending {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // The task begins in its turn, also if the group has been asked to stop. Its exception makes the
  // others stop, and comes out of with_group(). When it has ended its frame goes; what is destroyed
  // with that may spawn into the group.
  void spawn(Task<> task) {
    // What has its promise to know, and who keeps it until it has ended?
    (void)task;
    throw std::logic_error("TaskGroup::spawn() is yours to write");
  }
  // Asks all children to stop, and the body.
  void request_stop() { throw std::logic_error("TaskGroup::request_stop() is yours to write"); }

 private:
  template <class Body>
  friend Task<> with_group(Body body);
  TaskGroup() = default;

  // Called at the end of each task whose promise has this group as its `ending`. Says who is next.
  std::coroutine_handle<> ended(std::coroutine_handle<> task,
                                const TaskPromise& promise) noexcept override {
    (void)task;
    (void)promise;
    return nullptr;  // and the rest of it is yours to write
  }
};

// `co_await with_group(body)`, where body is called with a TaskGroup& and returns a Task<>: ends
// when the task and all children have ended, and no stop makes that earlier. The first exception,
// of a child or of the body, also if it comes before there is a task, makes all others stop, and
// comes out; later ones are narrated, with their what(): narrate::say("failed", "child", what).
// But Cancelled comes out only where nothing else does, whoever was first. A stop from outside
// reaches all of them.
template <class Body>
Task<> with_group(Body body) {
  (void)body;
  throw std::logic_error("with_group() is yours to write");
}

// The task's result if it comes in time. Else the task is asked to stop, and when it has ended
// std::system_error with ETIMEDOUT comes out; or what it throws instead, or even its result, if
// that was on its way. A stop from outside is Cancelled, as ever.
template <class T>
Task<T> with_timeout(Clock::duration time, Task<T> task) {
  (void)time;
  (void)task;
  throw std::logic_error("with_timeout() is yours to write");
}
inline Task<> with_timeout(Clock::duration time, Task<> task) {
  auto run = [](Task<> work) -> Task<bool> {
    co_await std::move(work);
    co_return true;
  };
  co_await with_timeout(time, run(std::move(task)));
}
