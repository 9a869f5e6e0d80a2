#pragma once
// A TCP connection, as a standard library would give it to you: the part that Rust's
// std::net::TcpStream plays. Chapter 3 builds its own, call by call, before the course uses this
// one.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "net/address.hpp"
#include "net/fd.hpp"

namespace net {

// "It would block" is an answer here, not an error: read() and write() then return no value. What
// goes wrong is thrown as std::system_error with the name of the call. EINTR is retried; a peer
// that is gone is an error (EPIPE), never a SIGPIPE. Move-only; closes its descriptor; one thread
// at a time.
class TcpStream {
 public:
  // Connects, and blocks until the connection stands. Throws std::system_error ("socket",
  // "connect").
  [[nodiscard]] static TcpStream connect(const Address& address);
  // Takes over a connected socket, such as accept() returns.
  explicit TcpStream(Fd socket) noexcept : socket_(std::move(socket)) {}

  // From now on read() and write() return at once, with or without a result.
  void set_nonblocking();

  // Reads what is there, at most buffer.size() bytes. 0: the peer has closed its side. No value:
  // nothing is there yet (only when non-blocking).
  [[nodiscard]] std::optional<std::size_t> read(std::span<char> buffer);
  // Writes the beginning of `bytes`, and says how much that was. No value: there is no room yet.
  [[nodiscard]] std::optional<std::size_t> write(std::string_view bytes);
  // Writes all of it. Throws EAGAIN where a non-blocking stream has no room for the rest.
  void write_all(std::string_view bytes);

  [[nodiscard]] const Fd& fd() const noexcept { return socket_; }

 private:
  Fd socket_;
};

// Of the addresses of a name the first one where somebody answers; where nobody does, the first
// one. Connects to find out, and may block, but asks nobody if there is but one.
[[nodiscard]] Address first_that_answers(const std::vector<Address>& addresses);

}  // namespace net
