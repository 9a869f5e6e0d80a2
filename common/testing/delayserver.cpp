#include "testing/delayserver.hpp"

#include <utility>

namespace testing {

Delayserver::Delayserver(delay::Options options)
    : server_([&] {
        options.address = net::Address::parse("127.0.0.1:0");
        options.on_answer = [this,
                             also = std::move(options.on_answer)](const delay::Exchange& one) {
          if (also) also(one);
          std::lock_guard lock(mutex_);
          answered_.push_back(one);
        };
        return std::move(options);
      }()),
      thread_([this] { server_.run(); }) {}

Delayserver::~Delayserver() { stop(); }

std::vector<delay::Exchange> Delayserver::answered() const {
  // Lets the server finish its turn: it sends an answer first and reports it then, and whoever has
  // received one shall find it here.
  (void)server_.stats();
  std::lock_guard lock(mutex_);
  return answered_;
}

std::vector<std::string> Delayserver::answered_messages() const {
  std::vector<std::string> messages;
  for (const delay::Exchange& exchange : answered()) messages.push_back(exchange.message);
  return messages;
}

void Delayserver::stop() {
  server_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace testing
