#pragma once
// A function that waits twice: an enum says where it has stopped, and a switch goes on from there.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "future.hpp"
#include "http.hpp"
#include "net/address.hpp"

class TwoRequests final : public Future<std::string> {
 public:
  TwoRequests(net::Address server, std::chrono::milliseconds unit)
      : server_(std::move(server)), unit_(unit) {}

  PollState<std::string> poll() override {
    PollState<std::string> answer;
    switch (std::exchange(state_, State::resolved)) {
      case State::start:
        request_.emplace(get(server_, "request-0", 2 * unit_));
        [[fallthrough]];
      case State::wait1:
        if (!(answer = request_->poll())) return wait_in(State::wait1);
        request_.emplace(get(server_, *answer + "-b", unit_));
        [[fallthrough]];
      case State::wait2:
        if (!(answer = request_->poll())) return wait_in(State::wait2);
        request_.reset();
        return answer;
      case State::resolved:
        break;
    }
    throw std::logic_error("two_requests: it is over");
  }

 private:
  enum class State { start, wait1, wait2, resolved };

  PollState<std::string> wait_in(State state) {
    state_ = state;
    return std::nullopt;
  }

  net::Address server_;
  std::chrono::milliseconds unit_;
  State state_ = State::start;
  std::optional<HttpGet> request_;
};

inline TwoRequests two_requests(net::Address server, std::chrono::milliseconds unit) {
  return TwoRequests(std::move(server), unit);
}
