#pragma once
// Many tasks as one: all of them, or the first of them.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "task.hpp"

// How far a row of tasks is. Each has a guard, which awaits it, notes how it has ended, and pushes
// whoever waits when it was the last one.
struct RaceState {
  std::size_t open = 0;
  std::optional<std::size_t> winner;
  std::vector<std::exception_ptr> errors;
  std::coroutine_handle<> waiting;
  ReadyQueue& queue = Executor::current().ready();

  void ended(std::size_t i) {
    if (!winner) winner = i;
    if (--open == 0) queue.push(waiting);
  }
};
template <class T>
Task<> guard(Task<T> task, std::size_t i, RaceState& state, std::vector<std::optional<T>>& values) {
  try {
    values[i] = co_await std::move(task);
  } catch (...) {
    state.errors[i] = std::current_exception();
  }
  state.ended(i);
}
inline Task<> guard(Task<> task, std::size_t i, RaceState& state) {
  try {
    co_await std::move(task);
  } catch (...) {
    state.errors[i] = std::current_exception();
  }
  state.ended(i);
}

// `co_await RunAll(guards, state)`.
class RunAll {
 public:
  RunAll(std::vector<Task<>>& guards, RaceState& state) : guards_(guards), state_(state) {
    state.open = guards.size();
    state.errors.resize(guards.size());
  }
  bool await_ready() const noexcept { return guards_.empty(); }
  void await_suspend(std::coroutine_handle<> parent) {
    state_.waiting = parent;
    for (Task<>& guard : guards_) state_.queue.push(guard.handle());
  }
  void await_resume() const noexcept {}

 private:
  std::vector<Task<>>& guards_;
  RaceState& state_;
};

template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  RaceState state;
  std::vector<std::optional<T>> values(tasks.size());
  std::vector<Task<>> guards;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    guards.push_back(guard(std::move(tasks[i]), i, state, values));
  co_await RunAll(guards, state);
  for (std::exception_ptr& error : state.errors)
    if (error) std::rethrow_exception(error);
  std::vector<T> results;
  for (std::optional<T>& value : values) results.push_back(std::move(*value));
  co_return results;
}
inline Task<> when_all(std::vector<Task<>> tasks) {
  RaceState state;
  std::vector<Task<>> guards;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    guards.push_back(guard(std::move(tasks[i]), i, state));
  co_await RunAll(guards, state);
  for (std::exception_ptr& error : state.errors)
    if (error) std::rethrow_exception(error);
}

template <class T>
Task<std::pair<std::size_t, T>> when_any(std::vector<Task<T>> tasks) {
  if (tasks.empty()) throw std::logic_error("when_any() of no tasks");
  RaceState state;
  std::vector<std::optional<T>> values(tasks.size());
  std::vector<Task<>> guards;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    guards.push_back(guard(std::move(tasks[i]), i, state, values));
  co_await RunAll(guards, state);
  if (state.errors[*state.winner]) std::rethrow_exception(state.errors[*state.winner]);
  co_return std::pair<std::size_t, T>(*state.winner, std::move(*values[*state.winner]));
}
inline Task<std::size_t> when_any(std::vector<Task<>> tasks) {
  if (tasks.empty()) throw std::logic_error("when_any() of no tasks");
  RaceState state;
  std::vector<Task<>> guards;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    guards.push_back(guard(std::move(tasks[i]), i, state));
  co_await RunAll(guards, state);
  if (state.errors[*state.winner]) std::rethrow_exception(state.errors[*state.winner]);
  co_return *state.winner;
}
