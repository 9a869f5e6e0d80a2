#pragma once
// Tasks that are not known beforehand, and whose number is not; and a task with a time limit.

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <exception>
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

// Children that never outlive it. It counts itself as one of them until it is joined.
class TaskGroup final : public Ending {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(Task<> task) {
    auto handle = task.handle();
    handle.promise().ending = this;
    handle.promise().stop = source_.get_token();
    ++open_;
    children_.push_back(std::move(task));
    Executor::current().ready().push(handle);
  }
  void request_stop() { source_.request_stop(); }

 private:
  template <class Body>
  friend Task<> with_group(Body body);
  TaskGroup() = default;

  struct Join {
    TaskGroup& group;
    explicit Join(TaskGroup& its) : group(its) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) noexcept {
      group.parent_ = parent;
      return --group.open_ > 0;
    }
    void await_resume() const {
      if (group.error_) std::rethrow_exception(group.error_);
    }
  };

  std::coroutine_handle<> ended(std::coroutine_handle<> task,
                                const TaskPromise& promise) noexcept override {
    if (promise.error) failed(promise.error);
    for (Task<>& child : children_)
      if (child.handle() == task) {
        std::swap(child, children_.back());
        break;
      }
    {
      Task<> gone = std::move(children_.back());
      children_.pop_back();
    }
    return --open_ == 0 ? parent_ : nullptr;
  }
  void failed(std::exception_ptr error) noexcept {
    source_.request_stop();
    if (std::optional<std::string> what = of(error); !what) {
      if (!error_) error_ = error;
    } else if (error_ && of(error_)) {
      narrate::say("failed", "child", *what);
    } else {
      error_ = error;
    }
  }
  // Nothing: of Cancelled.
  static std::optional<std::string> of(const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const Cancelled&) {
      return std::nullopt;
    } catch (const std::exception& known) {
      return known.what();
    } catch (...) {
      return "unknown";
    }
  }

  std::stop_source source_;
  std::vector<Task<>> children_;
  std::size_t open_ = 1;
  std::coroutine_handle<> parent_;
  std::exception_ptr error_;
};

template <class Body>
Task<> with_group(Body body) {
  TaskGroup group;
  auto pass_on = [&] { group.request_stop(); };
  std::stop_callback stops(co_await stop_token(), pass_on);
  auto first = [](TaskGroup& its, Body& run) -> Task<> { co_await run(its); };
  try {
    co_await with_token(group.source_.get_token(), first(group, body));
  } catch (...) {
    group.failed(std::current_exception());
  }
  co_await TaskGroup::Join(group);
}

// A group of two.
template <class T>
Task<T> with_timeout(Clock::duration time, Task<T> task) {
  std::optional<T> result;
  bool late = false, cancelled = false;
  auto limit = [&](TaskGroup& group) -> Task<> {
    co_await sleep_for(time);
    late = true;
    group.request_stop();
  };
  auto body = [&](TaskGroup& group) -> Task<> {
    group.spawn(limit(group));
    result = co_await std::move(task);
    group.request_stop();
  };
  try {
    co_await with_group(body);
  } catch (const Cancelled&) {
    cancelled = true;  // perhaps only the limit
  }
  if (result) co_return std::move(*result);
  if (late && cancelled) throw std::system_error(ETIMEDOUT, std::generic_category());
  throw Cancelled();
}
inline Task<> with_timeout(Clock::duration time, Task<> task) {
  auto run = [](Task<> work) -> Task<bool> {
    co_await std::move(work);
    co_return true;
  };
  co_await with_timeout(time, run(std::move(task)));
}
