#pragma once
// A function that waits twice, cut into pieces by hand. This is what we would like to write:
//
//   coroutine std::string two_requests(net::Address server, std::chrono::milliseconds unit) {
//     std::string first = wait get(server, "request-0", 2 * unit);
//     std::string second = wait get(server, first + "-b", unit);
//     return second;
//   }
//
// What one of the two requests throws leaves poll(), and is the end of both.

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"

class TwoRequests final : public Future<std::string> {
 public:
  TwoRequests(net::Address server, std::chrono::milliseconds unit)
      : server_(std::move(server)), unit_(unit) {}

  PollState<std::string> poll() override {
    while (true) {  // from state to state, until one has to wait
      if (std::holds_alternative<Start>(state_)) {
        narrate::say("state", "two", "start -> wait 1");
        state_ = Wait1{get(server_, "request-0", 2 * unit_)};

      } else if (Wait1* wait1 = std::get_if<Wait1>(&state_)) {
        PollState<std::string> first = wait1->future.poll();
        if (!first) return std::nullopt;
        narrate::say("state", "two", "wait 1 -> wait 2");
        state_ = Wait2{get(server_, *first + "-b", unit_)};

      } else if (Wait2* wait2 = std::get_if<Wait2>(&state_)) {
        PollState<std::string> second = wait2->future.poll();
        if (!second) return std::nullopt;
        narrate::say("state", "two", "wait 2 -> resolved");
        state_ = Resolved{};
        return second;

      } else {
        throw std::logic_error("two_requests: polled after it was ready");
      }
    }
  }

 private:
  // Where it has stopped, with what is needed to go on from there.
  struct Start {};
  struct Wait1 {
    HttpGet future;
  };
  struct Wait2 {
    HttpGet future;
  };
  struct Resolved {};

  net::Address server_;
  std::chrono::milliseconds unit_;
  std::variant<Start, Wait1, Wait2, Resolved> state_;
};

inline TwoRequests two_requests(net::Address server, std::chrono::milliseconds unit) {
  return TwoRequests(std::move(server), unit);
}
