#pragma once
// A delayserver for suites: on a free port, on a thread of its own, gone at the end of the scope.

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "delayserver/server.hpp"

namespace testing {

class Delayserver {
 public:
  explicit Delayserver(
      delay::Options options = {});  // its address is replaced: 127.0.0.1, any port
  ~Delayserver();

  [[nodiscard]] net::Address address() const { return server_.address(); }
  [[nodiscard]] delay::Stats stats() const { return server_.stats(); }
  // The delayed requests that were answered so far, in that order.
  [[nodiscard]] std::vector<delay::Exchange> answered() const;
  // … and only their messages.
  [[nodiscard]] std::vector<std::string> answered_messages() const;
  void stop();  // now; waits until everything in flight is answered

 private:
  mutable std::mutex mutex_;
  std::vector<delay::Exchange> answered_;
  delay::Server server_;
  std::thread thread_;
};

}  // namespace testing
