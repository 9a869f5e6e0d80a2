#pragma once
// A request as a future: the leaf on which all others in this chapter wait.

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "download.hpp"
#include "future.hpp"
#include "net/address.hpp"

// One state at a time: what there is to be asked, the request in flight, or that it is over.
class HttpGet final : public Future<std::string> {
 public:
  HttpGet(net::Address server, std::string name, std::chrono::milliseconds delay)
      : state_(Question{std::move(server), std::move(name), delay}) {}

  PollState<std::string> poll() override {
    auto state = std::exchange(state_, Over{});  // and so it stays, if anything throws
    if (std::holds_alternative<Over>(state)) throw std::logic_error("HttpGet: it is over");
    if (auto* question = std::get_if<Question>(&state)) {
      Question begun = std::move(*question);
      state.emplace<Download>(begun.server, std::move(begun.name), begun.delay);
    }
    auto& download = std::get<Download>(state);
    while (!download.done() && download.advance()) {
    }
    if (download.done()) return download.response().body;
    state_ = std::move(state);
    return std::nullopt;
  }

 private:
  struct Question {
    net::Address server;
    std::string name;
    std::chrono::milliseconds delay;
  };
  struct Over {};
  std::variant<Question, Download, Over> state_;
};
static_assert(IsFuture<HttpGet>);

inline HttpGet get(net::Address server, std::string name, std::chrono::milliseconds delay) {
  return HttpGet(std::move(server), std::move(name), delay);
}
