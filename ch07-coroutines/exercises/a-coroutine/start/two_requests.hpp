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
  TwoRequests(net::Address server, std::chrono::milliseconds unit) { (void)server, (void)unit; }

  // Narrate each change of state:  narrate::say("state", "two", "start -> wait 1");
  PollState<std::string> poll() override {
    throw std::logic_error("TwoRequests::poll() is yours to write");
  }
};

inline TwoRequests two_requests(net::Address server, std::chrono::milliseconds unit) {
  return TwoRequests(std::move(server), unit);
}
