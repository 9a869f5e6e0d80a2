#pragma once
// A function that waits twice: its state is the piece of it that comes next.

#include <chrono>
#include <memory>
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
    if (next_ == nullptr) throw std::logic_error("two_requests: it is over");
    std::string value;  // what the piece before has waited for
    while (next_ != nullptr) {
      if (request_) {
        Step next = std::exchange(next_, nullptr);
        PollState<std::string> answer = request_->poll();
        next_ = next;
        if (!answer) return std::nullopt;
        value = std::move(*answer);
      }
      (this->*next_)(value);
    }
    return value;
  }

 private:
  using Step = void (TwoRequests::*)(const std::string& value);

  void begin(const std::string&) { wait("request-0", 2 * unit_, &TwoRequests::after_first); }
  void after_first(const std::string& first) { wait(first + "-b", unit_, &TwoRequests::end); }
  void end(const std::string&) {
    request_.reset();
    next_ = nullptr;
  }

  void wait(std::string name, std::chrono::milliseconds delay, Step next) {
    request_ = std::make_unique<HttpGet>(server_, std::move(name), delay);
    next_ = next;
  }

  net::Address server_;
  std::chrono::milliseconds unit_;
  Step next_ = &TwoRequests::begin;               // null: it is over
  std::unique_ptr<Future<std::string>> request_;  // what it waits for
};

inline TwoRequests two_requests(net::Address server, std::chrono::milliseconds unit) {
  return TwoRequests(std::move(server), unit);
}
