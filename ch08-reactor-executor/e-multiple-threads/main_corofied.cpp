// Made by corofy of main.cpp: change that file, and run corofy again.

// Stage ch08/e: how many threads can poll? New: a dozen executors, each on a thread of its own with
// its own tasks, and still one reactor.

#include <chrono>
#include <cstddef>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"

namespace {

// coroutine Unit request(net::Address server, int i, std::chrono::milliseconds unit) {
//   std::string body = wait get(server, "request-" + std::to_string(i), (5 - i % 5) * unit);
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
            get(server_, "request-" + std::to_string(i_), (5 - i_ % 5) * unit_));
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
      std::decay_t<decltype(get(server_, "request-" + std::to_string(i_), (5 - i_ % 5) * unit_))>;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Wait1, Resolved> state_;
};

Request request(net::Address server, int i, std::chrono::milliseconds unit) {
  return Request(std::move(server), i, std::move(unit));
}

// coroutine Unit async_main(net::Address server, int number, std::chrono::milliseconds unit) {
//   for (int i = 0; i < 2; ++i) spawn(request(server, 2 * number + i, unit));
// }
class AsyncMain final : public Future<Unit> {
 public:
  AsyncMain(net::Address server, int number, std::chrono::milliseconds unit)
      : server_(std::move(server)), number_(number), unit_(std::move(unit)) {}

  PollState<Unit> poll(const Waker&) override try {
    switch (state_.index()) {
      case State::start: {
        for (int i = 0; i < 2; ++i) spawn(request(server_, 2 * number_ + i, unit_));
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
  int number_;
  std::chrono::milliseconds unit_;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Resolved> state_;
};

AsyncMain async_main(net::Address server, int number, std::chrono::milliseconds unit) {
  return AsyncMain(std::move(server), number, std::move(unit));
}

// Returns how often it has polled.
long run_executor(const stage::Options& options, int number) {
  narrate::name_thread("executor-" + std::to_string(number));
  Executor executor;
  executor.spawn(async_main(options.server, number, options.unit));
  executor.run();
  return executor.polls();
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  std::vector<std::future<long>> executors;
  for (int i = 0; i < 12; ++i)
    executors.push_back(std::async(std::launch::async, run_executor, options, i));
  long polls = 0;
  for (std::future<long>& executor : executors) polls += executor.get();
  narrate::print(std::to_string(polls) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
