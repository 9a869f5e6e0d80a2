#pragma once
// Each future stands behind a function, and run() counts who is left.

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"
#include "waker.hpp"

class Executor {
 public:
  template <IsFuture F>
    requires std::same_as<typename F::Output, Unit>
  void spawn(F future) {
    auto kept = std::make_shared<F>(std::move(future));
    tasks_[++last_id_] = [kept](const Waker& waker) { return kept->poll(waker).has_value(); };
    ready_->push(last_id_);
  }

  void run() {
    for (; !tasks_.empty(); sleep()) {
      for (auto task = ready_->pop(); task; task = ready_->pop())
        if (tasks_.contains(*task) && has_ended(*task)) tasks_.erase(*task);
    }
    if (errors_.empty()) return;
    std::exception_ptr first = errors_.front();
    errors_.clear();
    std::rethrow_exception(first);
  }

  [[nodiscard]] long polls() const { return polls_; }

 private:
  void sleep() {
    if (tasks_.empty()) return;
    narrate::Span span("park");
    parker_->park();
  }

  bool has_ended(TaskId task) try {
    narrate::say("poll", task_name(task));
    ++polls_;
    return tasks_.at(task)(Waker(task, ready_, parker_));
  } catch (...) {
    narrate::say("failed", task_name(task));
    errors_.push_back(std::current_exception());
    return true;
  }

  std::unordered_map<TaskId, std::function<bool(const Waker&)>> tasks_;
  TaskId last_id_ = 0;
  std::shared_ptr<ReadyQueue> ready_ = std::make_shared<ReadyQueue>();
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
  std::vector<std::exception_ptr> errors_;
  long polls_ = 0;
};
