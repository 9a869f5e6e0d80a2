// Made by corofy of main.cpp: change that file, and run corofy again.

// Stage ch07/b: who wants to cut functions by hand? New: two words, coroutine and wait, and a tool
// that makes the state machine of them. This file is what we write; corofy makes main_corofied.cpp
// of it, and that is what is compiled.

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

namespace {

// coroutine Unit request(net::Address server, int i, std::chrono::milliseconds unit) {
//   std::string body = wait get(server, "request-" + std::to_string(i), (5 - i) * unit);
//   narrate::say("result", "main", body, ": ", body.size(), " bytes");
// }
class Request final : public Future<Unit> {
 public:
  Request(net::Address server, int i, std::chrono::milliseconds unit)
      : server_(std::move(server)), i_(i), unit_(std::move(unit)) {}

  PollState<Unit> poll() override try {
    switch (state_.index()) {
      case State::start: {
        state_.emplace<State::wait_1>(
            get(server_, "request-" + std::to_string(i_), (5 - i_) * unit_));
        [[fallthrough]];
      }
      case State::wait_1: {
        auto ready = std::get<State::wait_1>(state_).poll();
        if (!ready) return std::nullopt;
        std::string body = std::move(*ready);
        state_.emplace<State::resolved>();
        narrate::say("result", "main", body, ": ", body.size(), " bytes");
        return resolve(Unit{});
      }
    }
    throw std::logic_error("request(): polled after it was ready");
  } catch (...) {
    state_.emplace<State::resolved>();
    throw;
  }

 private:
  struct State {
    enum : std::size_t { start, wait_1, resolved };
  };

  PollState<Unit> resolve(Unit value) {
    state_.emplace<State::resolved>();
    return value;
  }

  net::Address server_;
  int i_;
  std::chrono::milliseconds unit_;
  using Wait1 =
      std::decay_t<decltype(get(server_, "request-" + std::to_string(i_), (5 - i_) * unit_))>;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Wait1, Resolved> state_;
};

Request request(net::Address server, int i, std::chrono::milliseconds unit) {
  return Request(std::move(server), i, std::move(unit));
}

// coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
//   wait request(server, 0, unit);
//   wait request(server, 1, unit);
//   wait request(server, 2, unit);
//   wait request(server, 3, unit);
//   wait request(server, 4, unit);
// }
class AsyncMain final : public Future<Unit> {
 public:
  AsyncMain(net::Address server, std::chrono::milliseconds unit)
      : server_(std::move(server)), unit_(std::move(unit)) {}

  PollState<Unit> poll() override try {
    switch (state_.index()) {
      case State::start: {
        state_.emplace<State::wait_1>(request(server_, 0, unit_));
        [[fallthrough]];
      }
      case State::wait_1: {
        if (!std::get<State::wait_1>(state_).poll()) return std::nullopt;
        state_.emplace<State::resolved>();
        state_.emplace<State::wait_2>(request(server_, 1, unit_));
        [[fallthrough]];
      }
      case State::wait_2: {
        if (!std::get<State::wait_2>(state_).poll()) return std::nullopt;
        state_.emplace<State::resolved>();
        state_.emplace<State::wait_3>(request(server_, 2, unit_));
        [[fallthrough]];
      }
      case State::wait_3: {
        if (!std::get<State::wait_3>(state_).poll()) return std::nullopt;
        state_.emplace<State::resolved>();
        state_.emplace<State::wait_4>(request(server_, 3, unit_));
        [[fallthrough]];
      }
      case State::wait_4: {
        if (!std::get<State::wait_4>(state_).poll()) return std::nullopt;
        state_.emplace<State::resolved>();
        state_.emplace<State::wait_5>(request(server_, 4, unit_));
        [[fallthrough]];
      }
      case State::wait_5: {
        if (!std::get<State::wait_5>(state_).poll()) return std::nullopt;
        state_.emplace<State::resolved>();
        return resolve(Unit{});
      }
    }
    throw std::logic_error("async_main(): polled after it was ready");
  } catch (...) {
    state_.emplace<State::resolved>();
    throw;
  }

 private:
  struct State {
    enum : std::size_t { start, wait_1, wait_2, wait_3, wait_4, wait_5, resolved };
  };

  PollState<Unit> resolve(Unit value) {
    state_.emplace<State::resolved>();
    return value;
  }

  net::Address server_;
  std::chrono::milliseconds unit_;
  using Wait1 = std::decay_t<decltype(request(server_, 0, unit_))>;
  using Wait2 = std::decay_t<decltype(request(server_, 1, unit_))>;
  using Wait3 = std::decay_t<decltype(request(server_, 2, unit_))>;
  using Wait4 = std::decay_t<decltype(request(server_, 3, unit_))>;
  using Wait5 = std::decay_t<decltype(request(server_, 4, unit_))>;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Wait1, Wait2, Wait3, Wait4, Wait5, Resolved> state_;
};

AsyncMain async_main(net::Address server, std::chrono::milliseconds unit) {
  return AsyncMain(std::move(server), std::move(unit));
}

void example(const stage::Options& options) {
  auto future = async_main(options.server, options.unit);
  long polls = 1;
  while (!future.poll()) ++polls;
  narrate::print(std::to_string(polls) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
