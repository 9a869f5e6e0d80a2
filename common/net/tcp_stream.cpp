#include "net/tcp_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace net {
namespace {

// A connect() that a signal interrupted goes on by itself; asking for it again would be an error
// (EALREADY). What is left to do is to wait until it is over, and to fetch its result.
void finish_connect(int socket) {
  pollfd writable{socket, POLLOUT, 0};
  while (::poll(&writable, 1, -1) == -1)
    if (errno != EINTR) throw last_error("poll");
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
    throw last_error("getsockopt");
  if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
}

// The result of a read or a write: a count, or no value if it would block.
std::optional<std::size_t> count_or_would_block(ssize_t result, const char* call) {
  if (result >= 0) return static_cast<std::size_t>(result);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
  throw last_error(call);
}

}  // namespace

TcpStream TcpStream::connect(const Address& address) {
  TcpStream stream(
      Fd::checked(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  int socket = stream.socket_.get();
  if (::connect(socket, address.data(), address.size()) == -1) {
    if (errno != EINTR) throw last_error("connect");
    finish_connect(socket);
  }
  return stream;
}

void TcpStream::set_nonblocking() {
  int flags = ::fcntl(socket_.get(), F_GETFL);
  if (flags == -1) throw last_error("fcntl");
  if (::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) == -1) throw last_error("fcntl");
}

std::optional<std::size_t> TcpStream::read(std::span<char> buffer) {
  ssize_t result;
  do {
    result = ::read(socket_.get(), buffer.data(), buffer.size());
  } while (result == -1 && errno == EINTR);
  return count_or_would_block(result, "read");
}

std::optional<std::size_t> TcpStream::write(std::string_view bytes) {
  ssize_t result;
  // send() is write() with flags; this flag turns a SIGPIPE into EPIPE.
  do {
    result = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (result == -1 && errno == EINTR);
  return count_or_would_block(result, "send");
}

void TcpStream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    std::optional<std::size_t> written = write(bytes);
    if (!written) throw std::system_error(EAGAIN, std::generic_category(), "send");
    bytes.remove_prefix(*written);
  }
}

Address first_that_answers(const std::vector<Address>& addresses) {
  for (const Address& address : addresses) {
    if (addresses.size() == 1) break;
    try {
      (void)TcpStream::connect(address);
      return address;
    } catch (const std::system_error&) {
    }
  }
  return addresses.front();
}

}  // namespace net
