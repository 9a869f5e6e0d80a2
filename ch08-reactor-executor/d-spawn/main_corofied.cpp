// Made by corofy of main.cpp: change that file, and run corofy again.

// Stage ch08/d: how does a coroutine start what it does not wait for? New: spawn(), which finds the
// executor by itself.

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
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

  PollState<Unit> poll(const Waker& waker) override try {
    switch (state_.index()) {
      case State::start: {
        state_.emplace<State::wait_1>(
            get(server_, "request-" + std::to_string(i_), (5 - i_) * unit_));
        [[fallthrough]];
      }
      case State::wait_1: {
        auto ready = std::get<State::wait_1>(state_).poll(waker);
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
//   for (int i = 0; i < 5; ++i) spawn(request(server, i, unit));
//   narrate::say("result", "main", "five requests are spawned");
// }
class AsyncMain final : public Future<Unit> {
 public:
  AsyncMain(net::Address server, std::chrono::milliseconds unit)
      : server_(std::move(server)), unit_(std::move(unit)) {}

  PollState<Unit> poll(const Waker&) override try {
    switch (state_.index()) {
      case State::start: {
        for (int i = 0; i < 5; ++i) spawn(request(server_, i, unit_));
        narrate::say("result", "main", "five requests are spawned");
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
    enum : std::size_t { start, resolved };
  };

  PollState<Unit> resolve(Unit value) {
    state_.emplace<State::resolved>();
    return value;
  }

  net::Address server_;
  std::chrono::milliseconds unit_;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Resolved> state_;
};

AsyncMain async_main(net::Address server, std::chrono::milliseconds unit) {
  return AsyncMain(std::move(server), std::move(unit));
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
  narrate::print(std::to_string(executor.polls()) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
