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
#include "pinned.hpp"
#include "reactor.hpp"
#include "waker.hpp"

// GET /{delay}/{name}; its result is the body of the answer, whatever its status, and by then the
// connection is closed. Throws from poll() what Download throws.
class HttpGet final : public Future<std::string> {
 public:
  HttpGet(net::Address server, std::string name, std::chrono::milliseconds delay)
      : server_(std::move(server)), name_(std::move(name)), delay_(delay) {}

  PollState<std::string> poll(const Waker& waker) override {
    // It counts as resolved unless it has to wait: then an exception leaves it resolved, too.
    if (std::exchange(resolved_, true))
      throw std::logic_error("HttpGet: polled after it was ready");
    if (!download_) {
      download_.emplace(server_, name_, delay_);
      registration_ = Reactor::current().add(download_->fd(), name_);
    }
    registration_.set_waker(waker);  // before the connection is looked at
    while (!download_->done()) {
      if (!download_->advance()) {
        resolved_ = false;
        return std::nullopt;
      }
    }
    std::string body = download_->response().body;
    registration_ = {};
    download_.reset();  // nobody needs the connection any more
    return body;
  }

 private:
  net::Address server_;
  std::string name_;
  std::chrono::milliseconds delay_;
  std::optional<Download> download_;  // none before the first poll(): a future is lazy
  Registration registration_;         // ends before the connection
  bool resolved_ = false;
};
static_assert(IsFuture<HttpGet>);

inline Pinned<std::string> get(net::Address server, std::string name,
                               std::chrono::milliseconds delay) {
  return pin<HttpGet>(std::move(server), std::move(name), delay);
}
