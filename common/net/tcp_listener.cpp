#include "net/tcp_listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstddef>

namespace net {

TcpListener TcpListener::bind(const Address& address) {
  int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  TcpListener listener(Fd::checked(::socket(address.family(), type, 0), "socket"));
  int socket = listener.socket_.get();
  // Without this, a port stays unusable for a minute after a server with open connections ended.
  int yes = 1;
  if (::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
    throw last_error("setsockopt");
  if (::bind(socket, address.data(), address.size()) == -1) throw last_error("bind");
  if (::listen(socket, SOMAXCONN) == -1) throw last_error("listen");
  return listener;
}

std::optional<TcpStream> TcpListener::accept() {
  for (;;) {
    int socket = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) return TcpStream(Fd(socket));
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR && errno != ECONNABORTED) throw last_error("accept4");
  }
}

std::size_t TcpListener::waiting() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  bool told = ::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  // An emulator may know nothing of this option, or pass on its first bytes only (qemu).
  if (!told || size < offsetof(tcp_info, tcpi_unacked) + sizeof info.tcpi_unacked) return SOMAXCONN;
  return info.tcpi_unacked;  // which is what Linux counts here for a listener
}

}  // namespace net
