#include "tcp_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "runtime.hpp"

namespace {

Clock::time_point deadline_of(std::chrono::milliseconds timeout) {
  // Far from now, in either direction, the sum would be more than the clock can count.
  if (timeout > std::chrono::years(100)) return never;
  return Clock::now() + std::max(timeout, std::chrono::milliseconds(0));
}

}  // namespace

TcpStream::TcpStream(net::TcpStream stream) : connection_(new Connection{std::move(stream)}) {
  connection_->stream.set_nonblocking();
}

TcpStream TcpStream::connect(const net::Address& address, Timeout timeout) {
  net::Fd socket = net::Fd::checked(
      ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  int result = ::connect(socket.get(), address.data(), address.size());
  // A connection takes a round trip to the peer. EINPROGRESS: it is on its way.
  if (result == -1 && errno != EINPROGRESS && errno != EINTR) throw net::last_error("connect");
  TcpStream stream{net::TcpStream(std::move(socket))};
  if (result == 0) return stream;
  stream.connection_->source.wait_writable(deadline_of(timeout), "connect");
  int error = 0;
  socklen_t size = sizeof error;
  int descriptor = stream.connection_->stream.fd().get();
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
    throw net::last_error("getsockopt");
  if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
  return stream;
}

std::size_t TcpStream::read(std::span<char> buffer) {
  Clock::time_point deadline = deadline_of(timeout_);
  for (;;) {
    if (std::optional<std::size_t> count = connection_->stream.read(buffer)) return *count;
    connection_->source.wait_readable(deadline, "read");
  }
}

std::size_t TcpStream::write(std::string_view bytes) {
  Clock::time_point deadline = deadline_of(timeout_);
  for (;;) {
    if (std::optional<std::size_t> count = connection_->stream.write(bytes)) return *count;
    connection_->source.wait_writable(deadline, "write");
  }
}

void TcpStream::write_all(std::string_view bytes) {
  Clock::time_point deadline = deadline_of(timeout_);
  while (!bytes.empty()) {
    if (std::optional<std::size_t> count = connection_->stream.write(bytes)) {
      bytes.remove_prefix(*count);
    } else {
      connection_->source.wait_writable(deadline, "write");
    }
    // A peer that takes a little again and again does not prolong it.
    if (!bytes.empty() && Clock::now() >= deadline)
      throw std::system_error(ETIMEDOUT, std::generic_category(), "write");
  }
}

TcpListener::TcpListener(const net::Address& address)
    : listener_(net::TcpListener::bind(address)) {}

TcpStream TcpListener::accept() {
  for (;;) {
    if (std::optional<net::TcpStream> stream = listener_.accept())
      return TcpStream(std::move(*stream));
    source_.wait_readable(never, "accept");
  }
}

void sleep_for(std::chrono::milliseconds time) { Runtime::of_this_fiber().park(deadline_of(time)); }
