#pragma once
// Tasks that were started, and go on by themselves.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stop_token>
#include <utility>

#include "join_handle.hpp"
#include "ready_queue.hpp"
#include "task.hpp"

// Owns their frames until they end. What is destroyed with it has not ended: to destroy a task is
// to cancel its work. For any thread; but it is destroyed when no worker runs.
class TaskList {
 public:
  // With one worker nobody else is there, and a lock would be a seventh of what a task costs.
  explicit TaskList(std::size_t workers) : shared_(workers > 1) {
    ends_.next = ends_.previous = &ends_;
  }
  TaskList(const TaskList&) = delete;
  TaskList& operator=(const TaskList&) = delete;
  ~TaskList() {
    while (ends_.next != &ends_) {
      Started* next = first_to_go();
      unlink(*next);
      next->task.destroy();
    }
  }

  // The task is ready from now on; `ending` is told of its end, and takes it out.
  void start(std::coroutine_handle<> task, TaskPromise& promise, Ending& ending,
             std::stop_token stop, ReadyQueue& ready) {
    promise.ending = &ending;
    promise.stop = std::move(stop);
    {
      std::unique_lock lock = lock_if_shared();
      promise.started = {task, &promise.parent, &ends_, ends_.previous};
      ends_.previous->next = &promise.started;
      ends_.previous = &promise.started;
    }
    ready.push(task);
  }
  // From now on the frame is the caller's.
  void take_out(TaskPromise& promise) {
    std::unique_lock lock = lock_if_shared();
    unlink(promise.started);
  }

 private:
  std::unique_lock<std::mutex> lock_if_shared() {
    return shared_ ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
  }
  static void unlink(Started& started) noexcept {
    started.previous->next = started.next;
    started.next->previous = started.previous;
  }
  // Nobody must be left with the JoinHandle of a task that is gone: so those first that nobody has
  // one of, for they may have others' ones. Else the newest, which may refer to older ones.
  Started* first_to_go() noexcept {
    for (Started* some = ends_.next; some != &ends_; some = some->next)
      if (*some->join_word == &JoinWord::detached) return some;
    return ends_.previous;
  }

  const bool shared_;
  std::mutex mutex_;
  Started ends_;  // is before the oldest, and after the newest
};
