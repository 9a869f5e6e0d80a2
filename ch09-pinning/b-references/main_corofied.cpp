// Made by corofy of main.cpp: change that file, and run corofy again.

// Stage ch09/b: what becomes of a reference to a local variable? New: one, and the machine points
// into itself.

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

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

// coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
//   Report report;
//   std::string& text = report.text;
//   for (int i = 0; i < 3; ++i) {
//     std::string body = wait get(server, "request-" + std::to_string(i), unit);
//     text += " " + body;
//     report.bytes += body.size();
//   }
//   narrate::say("result", "main", report.bytes, " bytes:", report.text);
// }
class AsyncMain final : public Future<Unit> {
 public:
  AsyncMain(net::Address server, std::chrono::milliseconds unit)
      : server_(std::move(server)), unit_(std::move(unit)) {}

  PollState<Unit> poll(const Waker& waker) override {
    try {
      PollState<Unit> result = resume(waker);
      if (result) finish();
      return result;
    } catch (...) {
      finish();
      throw;
    }
  }

 private:
  struct State {
    enum : std::size_t { start, wait_1, resolved };
  };

  PollState<Unit> resume(const Waker& waker) {
    switch (state_.index()) {
      case State::start: {
        report_.emplace();
        text_ = &report_->text;
        i_ = 0;
      }
        for (; i_ < 3; ++i_) {
          state_.emplace<State::wait_1>(get(server_, "request-" + std::to_string(i_), unit_));
          [[fallthrough]];
          case State::wait_1: {
            auto ready = std::get<State::wait_1>(state_).poll(waker);
            if (!ready) return std::nullopt;
            std::string body = std::move(*ready);
            state_.emplace<State::resolved>();
            *text_ += " " + body;
            report_->bytes += body.size();
          }
        }
        narrate::say("result", "main", report_->bytes, " bytes:", report_->text);
        report_.reset();
        return resolve(Unit{});
    }
    throw std::logic_error("async_main(): polled after it was ready");
  }

  static PollState<Unit> resolve(Unit value) { return value; }
  void finish() {
    state_.emplace<State::resolved>();
    report_.reset();
  }

  net::Address server_;
  std::chrono::milliseconds unit_;
  std::optional<Report> report_;
  std::string* text_{};
  int i_{};
  using Wait1 = std::decay_t<decltype(get(server_, "request-" + std::to_string(i_), unit_))>;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Wait1, Resolved> state_;
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
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
