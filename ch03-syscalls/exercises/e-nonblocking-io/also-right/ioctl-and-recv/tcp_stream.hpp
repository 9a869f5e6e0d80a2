#pragma once
// A TCP connection, made of system calls.

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "net/address.hpp"
#include "net/fd.hpp"

// Owns its socket. Every error is thrown as std::system_error with the name of the call.
class TcpStream {
 public:
  // Blocks until the connection stands.
  static TcpStream connect(const net::Address& address) {
    TcpStream stream;
    stream.socket_ =
        net::Fd::checked(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    if (::connect(stream.socket_.get(), address.data(), address.size()) == -1)
      throw net::last_error("connect");
    return stream;
  }

  // From now on read() returns at once, with or without bytes. (So does send(), for which
  // write_all() is not made: it throws EAGAIN when the kernel has no room.)
  void set_nonblocking() {
    int yes = 1;
    if (::ioctl(socket_.get(), FIONBIO, &yes) == -1) throw net::last_error("ioctl");
  }

  // The kernel may take less than we offer, so this goes on until it has everything.
  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      // Not write(): if the peer is gone, that sends a SIGPIPE, too, which ends any program that
      // does not ignore it. Ours do, in stage::run(); but a connection should not depend on that.
      ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count == -1 && errno == EINTR) continue;  // a signal came first: nothing has happened yet
      if (count == -1) throw net::last_error("send");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  // Returns what is there, and that may be less than the buffer holds. 0: the peer has closed the
  // connection. No value: nothing is there yet, a blocking read() would wait now.
  std::optional<std::size_t> read(std::span<char> buffer) {
    for (;;) {
      ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
      if (errno != EINTR) throw net::last_error("recv");
    }
  }

  [[nodiscard]] const net::Fd& fd() const { return socket_; }

 private:
  TcpStream() = default;
  net::Fd socket_;
};
