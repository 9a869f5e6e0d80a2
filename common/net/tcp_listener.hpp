#pragma once
// A socket that listens for TCP connections.

#include <cstddef>
#include <optional>

#include "net/address.hpp"
#include "net/fd.hpp"
#include "net/tcp_stream.hpp"

namespace net {

// accept() never blocks. Move-only; closes its descriptor; one thread at a time.
class TcpListener {
 public:
  // Port 0 takes any free port; address() tells which. Throws std::system_error ("socket",
  // "setsockopt", "bind", "listen"): EADDRINUSE from "bind" means that somebody else has the port.
  [[nodiscard]] static TcpListener bind(const Address& address);

  // The next connection (its stream blocks until told otherwise), or no value if nobody waits. A
  // peer that went away while it waited is passed over. Throws std::system_error("accept4"), for
  // example EMFILE: then connections wait, the listener stays readable, and the caller must not
  // simply ask again.
  [[nodiscard]] std::optional<TcpStream> accept();

  // About how many connections stand in the queue, to be accepted: at most the result, where the
  // system does not tell.
  [[nodiscard]] std::size_t waiting() const;

  [[nodiscard]] Address address() const { return Address::local(socket_.get()); }
  [[nodiscard]] const Fd& fd() const noexcept { return socket_; }

 private:
  explicit TcpListener(Fd socket) noexcept : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace net
