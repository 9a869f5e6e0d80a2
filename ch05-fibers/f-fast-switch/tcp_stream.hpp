#pragma once
// TCP connections whose functions look as if they blocked. They park the fiber that calls, and all
// others go on.

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "net/tcp_listener.hpp"
#include "net/tcp_stream.hpp"
#include "source.hpp"

// Belongs to the runtime of the thread that makes it, and must not outlive it. Errors are thrown as
// std::system_error with the name of the call: what the kernel says, and ETIMEDOUT if a call takes
// longer than the timeout. Then the connection is as it was, and can be used. At most one fiber at
// a time may read, and one write; a second one gets a std::logic_error where it would wait. It can
// be moved, and destroyed, while nobody is waiting. A call that need not wait may return without a
// turn for anybody else.
class TcpStream {
 public:
  // None: as long as it takes. 0 or less: what would have to wait is an error.
  using Timeout = std::chrono::milliseconds;
  static constexpr Timeout none = Timeout::max();

  // Returns when the connection stands.
  static TcpStream connect(const net::Address& address, Timeout timeout = none);

  // From now on, for each call.
  void set_timeout(Timeout timeout) { timeout_ = timeout; }

  // Returns what is there, and that may be less than the buffer holds; waits while nothing is
  // there. 0: the peer has closed its side.
  std::size_t read(std::span<char> buffer);
  // Writes the beginning of `bytes`, and says how much that was; waits while there is no room.
  std::size_t write(std::string_view bytes);
  // Goes on until the kernel has taken everything. (After a timeout nobody knows how much it took.)
  void write_all(std::string_view bytes);

 private:
  friend class TcpListener;
  explicit TcpStream(net::TcpStream stream);

  struct Connection {
    net::TcpStream stream;
    Source source{stream.fd()};  // the runtime knows it by its address, so it never moves
  };
  std::unique_ptr<Connection> connection_;
  Timeout timeout_ = none;
};

// The same rules hold for it.
class TcpListener {
 public:
  // Port 0 takes any free port.
  explicit TcpListener(const net::Address& address);

  [[nodiscard]] net::Address address() const { return listener_.address(); }

  // Waits for the next connection. (EMFILE and the like come out of here. The connection waits.)
  TcpStream accept();

 private:
  net::TcpListener listener_;
  Source source_{listener_.fd()};
};

// Parks the fiber that calls for this time, at least; for 0 or less until the others have had their
// turns. (unistd.h has a sleep() that blocks all.)
void sleep_for(std::chrono::milliseconds time);
