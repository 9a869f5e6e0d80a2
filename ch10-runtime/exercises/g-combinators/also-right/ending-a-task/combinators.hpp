#pragma once
// Many tasks as one: all of them, or the first of them.

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "task.hpp"

// `co_await Race(tasks)`: runs them side by side, and gives the order in which they have ended.
// Each task tells a place of its own, which knows its number.
template <class T>
class Race {
 public:
  explicit Race(std::vector<Task<T>>& tasks) : tasks_(tasks) {}
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    parent_ = parent;
    order_.reserve(tasks_.size());
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      tasks_[i].handle().promise().ending = &places_.emplace_back(*this, i);
      Executor::current().ready().push(tasks_[i].handle());
    }
    return !tasks_.empty();
  }
  std::vector<std::size_t> await_resume() { return std::move(order_); }

 private:
  class Place final : public Ending {
   public:
    Place(Race& race, std::size_t number) : race_(race), number_(number) {}
    std::coroutine_handle<> ended(std::coroutine_handle<>) noexcept override {
      race_.order_.push_back(number_);
      if (race_.order_.size() < race_.tasks_.size()) return nullptr;
      return race_.parent_;
    }

   private:
    Race& race_;
    std::size_t number_;
  };

  std::vector<Task<T>>& tasks_;
  std::deque<Place> places_;
  std::vector<std::size_t> order_;
  std::coroutine_handle<> parent_;
};

template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  (void)co_await Race<T>(tasks);
  std::vector<T> results;
  for (Task<T>& task : tasks) results.push_back(task.handle().promise().result());
  co_return results;
}
inline Task<> when_all(std::vector<Task<>> tasks) {
  (void)co_await Race<void>(tasks);
  for (Task<>& task : tasks) task.handle().promise().result();
}

template <class T>
Task<std::pair<std::size_t, T>> when_any(std::vector<Task<T>> tasks) {
  std::vector<std::size_t> order = co_await Race<T>(tasks);
  if (order.empty()) throw std::logic_error("when_any() of no tasks");
  co_return std::pair<std::size_t, T>(order[0], tasks[order[0]].handle().promise().result());
}
inline Task<std::size_t> when_any(std::vector<Task<>> tasks) {
  std::vector<std::size_t> order = co_await Race<void>(tasks);
  if (order.empty()) throw std::logic_error("when_any() of no tasks");
  tasks[order[0]].handle().promise().result();
  co_return order[0];
}
