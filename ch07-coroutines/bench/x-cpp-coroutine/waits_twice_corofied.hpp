// Made by corofy of waits_twice.hpp: change that file, and run corofy again.

#pragma once
// A function that waits twice. corofy makes waits_twice_corofied.hpp of it, which is compiled.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "countdown.hpp"
#include "future.hpp"

// inline coroutine std::string waits_twice(long times_1, long times_2) {
//   std::string first = wait countdown(times_1, "request");
//   std::string second = wait countdown(times_2, first + "-b");
//   return second;
// }
class WaitsTwice final : public Future<std::string> {
 public:
  WaitsTwice(long times_1, long times_2) : times_1_(times_1), times_2_(times_2) {}

  PollState<std::string> poll() override try {
    switch (state_.index()) {
      case State::start: {
        state_.emplace<State::wait_1>(countdown(times_1_, "request"));
        [[fallthrough]];
      }
      case State::wait_1: {
        auto ready = std::get<State::wait_1>(state_).poll();
        if (!ready) return std::nullopt;
        std::string first = std::move(*ready);
        state_.emplace<State::resolved>();
        state_.emplace<State::wait_2>(countdown(times_2_, first + "-b"));
        [[fallthrough]];
      }
      case State::wait_2: {
        auto ready = std::get<State::wait_2>(state_).poll();
        if (!ready) return std::nullopt;
        std::string second = std::move(*ready);
        state_.emplace<State::resolved>();
        return resolve(std::move(second));
      }
    }
    throw std::logic_error("waits_twice(): polled after it was ready");
  } catch (...) {
    state_.emplace<State::resolved>();
    throw;
  }

 private:
  struct State {
    enum : std::size_t { start, wait_1, wait_2, resolved };
  };

  PollState<std::string> resolve(std::string value) {
    state_.emplace<State::resolved>();
    return value;
  }

  long times_1_;
  long times_2_;
  using Wait1 = std::decay_t<decltype(countdown(times_1_, "request"))>;
  using Wait2 = std::decay_t<decltype(countdown(times_2_, std::declval<std::string&>() + "-b"))>;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Wait1, Wait2, Resolved> state_;
};

inline WaitsTwice waits_twice(long times_1, long times_2) { return WaitsTwice(times_1, times_2); }
