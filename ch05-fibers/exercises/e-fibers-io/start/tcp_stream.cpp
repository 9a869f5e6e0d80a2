#include "tcp_stream.hpp"

#include <stdexcept>
#include <utility>

#include "runtime.hpp"

TcpStream::TcpStream(net::TcpStream stream) : connection_(new Connection{std::move(stream)}) {
  connection_->stream.set_nonblocking();
}

TcpStream TcpStream::connect(const net::Address& address, Timeout timeout) {
  // As in ch04/x-nonblocking-connect: a socket that does not block, connect(), wait until it is
  // writable, and then fetch the result. The deadline of a timeout must not overflow.
  (void)address, (void)timeout;
  throw std::logic_error("TcpStream::connect() is yours to write");
}

std::size_t TcpStream::read(std::span<char> buffer) {
  (void)buffer;
  throw std::logic_error("TcpStream::read() is yours to write");
}

std::size_t TcpStream::write(std::string_view bytes) {
  (void)bytes;
  throw std::logic_error("TcpStream::write() is yours to write");
}

void TcpStream::write_all(std::string_view bytes) {
  (void)bytes;
  throw std::logic_error("TcpStream::write_all() is yours to write");
}

TcpListener::TcpListener(const net::Address& address)
    : listener_(net::TcpListener::bind(address)) {}

TcpStream TcpListener::accept() {
  throw std::logic_error("TcpListener::accept() is yours to write");
}

void sleep_for(std::chrono::milliseconds time) {
  (void)time;
  throw std::logic_error("sleep_for() is yours to write");
}
