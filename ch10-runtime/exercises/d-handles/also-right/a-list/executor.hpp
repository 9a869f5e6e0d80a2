#pragma once
// The executor: owns tasks, resumes those coroutines that are ready, and parks when there are none.

#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "ready_queue.hpp"
#include "task.hpp"

// Every function is for one thread at a time. The tasks that have not ended when it is destroyed
// are dropped: to destroy a task is to cancel its work.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;  // while it runs it is known by its address
  Executor& operator=(const Executor&) = delete;

  // The one that runs on this thread. Throws std::logic_error if there is none.
  static Executor& current() {
    if (current_ == nullptr) throw std::logic_error("no executor runs on this thread");
    return *current_;
  }

  void spawn(Task<> task) {
    tasks_.push_back(std::make_unique<Root>(std::move(task)));
    tasks_.back()->watcher.emplace(watch(*tasks_.back()));
    ready_.push(tasks_.back()->watcher->handle());
  }

  // One task may end in each turn: whoever has ended has nobody who goes on.
  void run() {
    if (current_ != nullptr) throw std::logic_error("an executor runs on this thread already");
    Running running(this);
    while (!tasks_.empty()) {
      std::coroutine_handle<> handle = ready_.pop();
      if (!handle) {
        ready_.wait();
        continue;
      }
      ::run(handle);
      std::erase_if(tasks_, [](const auto& root) { return root->ended; });
    }
    if (std::exception_ptr error = std::exchange(first_, nullptr)) std::rethrow_exception(error);
  }

  // Where the coroutines wait that are to be resumed here.
  [[nodiscard]] ReadyQueue& ready() { return ready_; }

 private:
  // Makes the executor known to what it runs.
  struct Running {
    explicit Running(Executor* executor) { current_ = executor; }
    Running(const Running&) = delete;
    ~Running() { current_ = nullptr; }
  };

  // A task, and the coroutine that awaits it.
  struct Root {
    explicit Root(Task<> its) : task(std::move(its)) {}
    Task<> task;
    std::optional<Task<>> watcher;
    bool ended = false;
  };
  Task<> watch(Root& root) {
    std::exception_ptr error;
    try {
      co_await std::move(root.task);
    } catch (...) {
      error = std::current_exception();
    }
    if (!first_) first_ = error;
    root.ended = true;
  }

  static inline thread_local Executor* current_ = nullptr;
  ReadyQueue ready_;
  std::list<std::unique_ptr<Root>> tasks_;
  std::exception_ptr first_;
};

// The task becomes one of the executor that runs on this thread: for whoever does not want to wait
// for it. Throws std::logic_error if there is none.
inline void spawn(Task<> task) { Executor::current().spawn(std::move(task)); }
