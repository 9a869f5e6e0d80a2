#pragma once
// The delayserver: an HTTP server whose answers take as long as the request asks for. It stands in
// for the slow world outside. GET /1500/hello answers "hello" after a second and a half. GET /
// tells the rest. A client that closes its side of the connection has left, and so have its
// requests.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/address.hpp"

namespace delay {

using Clock = std::chrono::steady_clock;

// One delayed request, from its last byte in to its last byte out.
struct Exchange {
  std::uint64_t number = 0;  // counts from 1, in the order of arrival
  std::chrono::milliseconds delay{0};
  std::string message;
  Clock::time_point received;
  Clock::time_point answered;  // set when the kernel has taken the last byte of the answer …
  bool lost = false;           // … or when it is clear that it will not: see Stats::errors
};

// What the server has seen so far; also at GET /stats.
struct Stats {
  std::uint64_t served = 0;          // delayed requests answered completely
  std::uint64_t in_flight = 0;       // delayed requests received and not yet answered
  std::uint64_t peak_in_flight = 0;  // the most of them at the same time
  std::uint64_t errors = 0;          // error answers, faults asked for, and delayed requests that
                                     // lost their connection
  std::uint64_t connections = 0;     // open now
};

struct Options {
  net::Address address = net::Address::parse("127.0.0.1:8080");  // port 0: any free port
  std::size_t max_connections = 0;  // more wait to be accepted; 0: as many as descriptors allow
  std::chrono::milliseconds request_timeout{10'000};  // for a request, from its first byte (408)
  std::chrono::milliseconds idle_timeout{60'000};     // between requests; for peers who do not read
  // Called on the server's thread, for each delayed request. They must not throw, nor call stats().
  std::function<void(const Exchange&)> on_request = {};
  std::function<void(const Exchange&)> on_answer = {};
};

// Move nothing, share nothing: one thread calls run(), any thread (or signal handler) stop(), any
// thread stats().
class Server {
 public:
  // Binds and listens; from here on connections are accepted as soon as run() gets to them. Throws
  // std::system_error ("bind": the port is taken).
  explicit Server(Options options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] net::Address address() const;  // where it listens, with the real port
  // Serves until stop(); then accepts whoever already stands in the queue, answers every request
  // that has arrived, which is to say: that the kernel has taken, and returns. New connections that
  // have asked nothing yet, and requests that have come half, get a second to do so. To be called
  // once. Throws std::system_error only where the event queue itself fails: what goes wrong with a
  // connection, even that there is no memory for it, ends that connection.
  void run();
  void stop() noexcept;  // async-signal-safe
  // Up to date: whoever has received an answer finds it counted.
  [[nodiscard]] Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace delay
