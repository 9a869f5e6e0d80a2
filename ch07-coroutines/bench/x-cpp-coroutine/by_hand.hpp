#pragma once
// The function of waits_twice.hpp, cut by hand: in the manner of two_requests.hpp.

#include <stdexcept>
#include <string>
#include <variant>

#include "countdown.hpp"
#include "future.hpp"

class ByHand final : public Future<std::string> {
 public:
  ByHand(long times_1, long times_2) : times_1_(times_1), times_2_(times_2) {}

  PollState<std::string> poll() override {
    while (true) {
      if (std::holds_alternative<Start>(state_)) {
        state_ = Wait1{countdown(times_1_, "request")};

      } else if (Wait1* wait1 = std::get_if<Wait1>(&state_)) {
        PollState<std::string> first = wait1->future.poll();
        if (!first) return std::nullopt;
        state_ = Wait2{countdown(times_2_, *first + "-b")};

      } else if (Wait2* wait2 = std::get_if<Wait2>(&state_)) {
        PollState<std::string> second = wait2->future.poll();
        if (!second) return std::nullopt;
        state_ = Resolved{};
        return second;

      } else {
        throw std::logic_error("by_hand: polled after it was ready");
      }
    }
  }

 private:
  struct Start {};
  struct Wait1 {
    Countdown future;
  };
  struct Wait2 {
    Countdown future;
  };
  struct Resolved {};

  long times_1_, times_2_;
  std::variant<Start, Wait1, Wait2, Resolved> state_;
};
