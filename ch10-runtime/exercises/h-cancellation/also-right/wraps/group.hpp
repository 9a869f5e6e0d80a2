#pragma once
// Tasks that are not known beforehand, and whose number is not; and a task with a time limit.

#include <cerrno>
#include <coroutine>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

#include "cancel.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "narrate/narrate.hpp"
#include "sleep.hpp"
#include "task.hpp"

// Children that never outlive it. Each is wrapped in a coroutine that sees how it ends.
class TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(Task<> task) {
    children_.remove_if([](const Task<>& child) { return child.handle().done(); });
    children_.push_back(watch(std::move(task)));
    ++open_;
    Executor::current().ready().push(children_.back().handle());
  }
  void request_stop() { source_.request_stop(); }

 private:
  template <class Body>
  friend Task<> with_group(Body body);
  TaskGroup() = default;

  Task<> watch(Task<> task) {
    try {
      co_await with_token(source_.get_token(), std::move(task));
    } catch (...) {
      failed(std::current_exception());
    }
    if (--open_ == 0 && joining_) Executor::current().ready().push(joining_);
  }

  struct Join {
    TaskGroup& group;
    explicit Join(TaskGroup& its) : group(its) {}
    bool await_ready() const noexcept { return group.open_ == 0; }
    void await_suspend(std::coroutine_handle<> parent) noexcept { group.joining_ = parent; }
    void await_resume() const noexcept {}
  };

  void failed(const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const Cancelled&) {
      if (!cancelled_) cancelled_ = error;
    } catch (const std::exception& known) {
      if (error_)
        narrate::say("failed", "child", known.what());
      else
        error_ = error;
    } catch (...) {
      if (!error_) error_ = error;
    }
    source_.request_stop();
  }

  std::stop_source source_;
  std::list<Task<>> children_;  // those that have ended go at the next spawn()
  int open_ = 0;
  std::coroutine_handle<> joining_;
  std::exception_ptr error_, cancelled_;
};

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
  if (!group.error_) group.error_ = group.cancelled_;
  if (group.error_) std::rethrow_exception(group.error_);
}

// The limit is a task of the executor, which is joined before the end.
template <class T>
Task<T> with_timeout(Clock::duration time, Task<T> task) {
  std::stop_source source;
  std::stop_callback pass_on(co_await stop_token(), RequestStop{&source});
  auto late = std::make_shared<bool>(false);
  auto sleep = [](Clock::duration left) -> Task<> { co_await sleep_for(left); };
  auto limit = [](Task<> sleeps, std::stop_source its, std::shared_ptr<bool> over) -> Task<> {
    try {
      co_await with_token(its.get_token(), std::move(sleeps));
      *over = true;
    } catch (const Cancelled&) {
    }
    its.request_stop();
  };
  auto join = [](JoinHandle<void> handle) -> Task<> { co_await std::move(handle); };
  JoinHandle<void> limits = ::spawn(limit(sleep(time), source, late));
  std::optional<T> result;
  std::exception_ptr error;
  bool cancelled = false;
  try {
    result = co_await with_token(source.get_token(), std::move(task));
  } catch (const Cancelled&) {
    cancelled = true;
  } catch (...) {
    error = std::current_exception();
  }
  bool was_late = *late;
  source.request_stop();
  co_await with_token(std::stop_token(), join(std::move(limits)));
  if (error) std::rethrow_exception(error);
  if (cancelled && was_late) throw std::system_error(ETIMEDOUT, std::generic_category());
  if (cancelled) throw Cancelled();
  co_return std::move(*result);
}
inline Task<> with_timeout(Clock::duration time, Task<> task) {
  auto run = [](Task<> work) -> Task<bool> {
    co_await std::move(work);
    co_return true;
  };
  co_await with_timeout(time, run(std::move(task)));
}
