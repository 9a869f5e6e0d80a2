#pragma once
// Tasks that are not known beforehand, and whose number is not; and a task with a time limit.

#include <atomic>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cancel.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "narrate/narrate.hpp"
#include "sleep.hpp"
#include "task.hpp"
#include "task_list.hpp"

// Children that never outlive it. Only with_group() makes one.
class TaskGroup final : public Ending {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // The task begins in its turn, also if the group has been asked to stop. Its exception makes the
  // others stop, and comes out of with_group().
  void spawn(Task<> task) {
    Executor& executor = Executor::current();
    Task<>::Handle handle = task.release();
    ++open_;
    children_.start(handle, handle.promise(), *this, source_.get_token(), executor.ready());
  }
  // Asks all children to stop, and the body.
  void request_stop() { source_.request_stop(); }

 private:
  template <class Body>
  friend Task<> with_group(Body body);
  TaskGroup() = default;

  // `co_await join`: until there are no children. A stop does not end that wait: it makes the
  // children stop, and so the wait is short.
  class Join {
   public:
    explicit Join(TaskGroup& group) : group_(group) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) noexcept {
      group_.joining_ = parent;
      return --group_.open_ != 0;
    }
    void await_resume() const noexcept {}

   private:
    TaskGroup& group_;
  };

  std::coroutine_handle<> ended(std::coroutine_handle<> task,
                                TaskPromise& promise) noexcept override {
    if (promise.error) failed(promise.error);
    children_.take_out(promise);
    task.destroy();  // it has stopped for good, and what is destroyed with it may spawn
    return --open_ == 0 ? joining_ : nullptr;
  }
  void failed(const std::exception_ptr& error) noexcept {
    note(error);
    source_.request_stop();
  }
  // What stops because it was asked to has not failed.
  void note(const std::exception_ptr& error) noexcept {
    std::lock_guard lock(mutex_);
    std::string what = "by an exception of another kind";
    try {
      std::rethrow_exception(error);
    } catch (const Cancelled&) {
      cancelled_ = true;
      return;
    } catch (const std::exception& known) {
      what = known.what();
    } catch (...) {
    }
    if (error_)
      narrate::say("failed", "child", what);  // nobody else will hear of it
    else
      error_ = error;
  }

  std::stop_source source_;
  std::atomic<std::size_t> open_ = 1;  // children, and the body until it joins them
  std::coroutine_handle<> joining_ = nullptr;
  std::mutex mutex_;          // on what follows
  std::exception_ptr error_;  // the first one
  bool cancelled_ = false;    // somebody was
  // Last, so that their frames are destroyed before what they use.
  TaskList children_{Executor::current().workers()};
};

// `co_await with_group(body)`, where body is called with a TaskGroup& and returns a Task<>: ends
// when the task and all children have ended. The first exception makes all others stop, and comes
// out; later ones are narrated. But Cancelled comes out only where nothing else does, whoever was
// first. A stop from outside reaches all of them.
template <class Body>
Task<> with_group(Body body) {
  TaskGroup group;
  std::stop_callback pass_on(co_await stop_token(), RequestStop{&group.source_});
  try {
    co_await with_token(group.source_.get_token(), body(group));
  } catch (...) {
    group.failed(std::current_exception());
  }
  co_await TaskGroup::Join(group);
  if (group.error_) std::rethrow_exception(group.error_);
  if (group.cancelled_) throw Cancelled();
}

// The task's result if it comes in time. Else the task is asked to stop, and when it has ended
// std::system_error with ETIMEDOUT comes out; or what it throws instead, or even its result, if
// that was on its way.
template <class T>
Task<T> with_timeout(Clock::duration time, Task<T> task) {
  std::optional<T> result;
  auto run = [](Task<T> work, std::optional<T>& value) -> Task<> {
    value = co_await std::move(work);
  };
  auto limit = [](Clock::duration left) -> Task<> {
    co_await sleep_for(left);
    throw std::system_error(ETIMEDOUT, std::generic_category());
  };
  std::vector<Task<>> both;
  both.push_back(run(std::move(task), result));
  both.push_back(limit(time));
  std::optional<std::size_t> first = co_await Race(both, Stop::at_first_end);
  if (result) co_return std::move(*result);
  try {
    both.front().handle().promise().result();  // throws: there is no result
  } catch (const Cancelled&) {
    both[*first].handle().promise().result();  // by the limit, if that was first
  }
  throw Cancelled();
}
inline Task<> with_timeout(Clock::duration time, Task<> task) {
  auto run = [](Task<> work) -> Task<bool> {
    co_await std::move(work);
    co_return true;
  };
  co_await with_timeout(time, run(std::move(task)));
}
