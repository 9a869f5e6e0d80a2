#pragma once
// A request as a future: the leaf on which all others in this chapter wait.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "download.hpp"
#include "future.hpp"
#include "net/address.hpp"

// GET /{delay}/{name}; its result is the body of the answer, whatever its status, and by then the
// connection is closed. Throws from poll() what Download throws. (What a future promises besides
// stands in future.hpp.)
class HttpGet final : public Future<std::string> {
 public:
  HttpGet(net::Address server, std::string name, std::chrono::milliseconds delay) {
    (void)server, (void)name, (void)delay;
  }

  PollState<std::string> poll() override {
    throw std::logic_error("HttpGet::poll() is yours to write");
  }
};
static_assert(IsFuture<HttpGet>);

inline HttpGet get(net::Address server, std::string name, std::chrono::milliseconds delay) {
  return HttpGet(std::move(server), std::move(name), delay);
}
