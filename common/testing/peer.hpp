#pragma once
// The other end of a connection, for suites: a server that does exactly what a case tells it.

#include <functional>
#include <string>
#include <thread>

#include "net/tcp_listener.hpp"

namespace testing {

// Listens, on any free port of 127.0.0.1 unless told otherwise, and gives each connection, one
// after the other, to `script`, on a thread of its own. Connections close when the script returns,
// unless it keeps them. What it throws ends only that connection; a std::system_error means that
// the client is gone, all else, as a REQUIRE that fails, that the case has failed. The destructor
// waits for a script that is running.
class Peer {
 public:
  explicit Peer(std::function<void(net::TcpStream)> script,
                const net::Address& address = net::Address::parse("127.0.0.1:0"));
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  [[nodiscard]] net::Address address() const { return listener_.address(); }

 private:
  void serve();

  std::function<void(net::TcpStream)> script_;
  net::TcpListener listener_;
  net::Fd stop_reader_, stop_writer_;
  std::thread thread_;
};

// An address where nobody listens.
[[nodiscard]] net::Address nobody();

// Reads up to the empty line that ends a request without a body; for scripts.
std::string read_request(net::TcpStream& stream);

// Says this and closes the connection: the bytes arrive together with the end, always in the same
// way; for scripts.
void say_and_close(net::TcpStream& stream, const std::string& bytes);

// Waits (with patience, see program.hpp) until the condition holds; false if it never did.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

}  // namespace testing
