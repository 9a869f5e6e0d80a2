#pragma once
// What the functions of this bench wait for: a future that is not ready so many times, and then is.

#include <string>
#include <utility>

#include "future.hpp"

class Countdown final : public Future<std::string> {
 public:
  Countdown(long times, std::string result) : times_(times), result_(std::move(result)) {}

  PollState<std::string> poll() override {
    if (times_ == 0) return std::move(result_);
    --times_;
    return std::nullopt;
  }

 private:
  long times_;
  std::string result_;
};

inline Countdown countdown(long times, std::string result) {
  return Countdown(times, std::move(result));
}
