#include "testing/peer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "testing/program.hpp"

namespace testing {

Peer::Peer(std::function<void(net::TcpStream)> script, const net::Address& address)
    : script_(std::move(script)), listener_(net::TcpListener::bind(address)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw net::last_error("pipe2");
  stop_reader_ = net::Fd(ends[0]);
  stop_writer_ = net::Fd(ends[1]);
  thread_ = std::thread([this] { serve(); });
}

Peer::~Peer() {
  stop_writer_.close();  // the reading end is readable now
  thread_.join();
}

void Peer::serve() {
  for (;;) {
    std::array<pollfd, 2> ready{
        {{stop_reader_.get(), POLLIN, 0}, {listener_.fd().get(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) == -1 && errno != EINTR)
      throw net::last_error("poll");
    if (ready[0].revents != 0) return;
    std::optional<net::TcpStream> stream = listener_.accept();
    if (!stream) continue;
    try {
      script_(std::move(*stream));
    } catch (const std::system_error&) {  // the client is gone
    } catch (const doctest::detail::TestFailureException&) {
      // A REQUIRE on this thread: printed and counted already, so the case has failed.
    } catch (const std::exception& error) {
      FAIL_CHECK("the peer's script: ", error.what());
    }
  }
}

net::Address nobody() {
  // Bound and closed again: the kernel does not hand the number out to somebody else so soon.
  return net::TcpListener::bind(net::Address::parse("127.0.0.1:0")).address();
}

std::string read_request(net::TcpStream& stream) {
  std::string request;
  std::array<char, 4096> buffer;
  while (request.find("\r\n\r\n") == std::string::npos) {
    std::size_t count = stream.read(buffer).value();
    if (count == 0) break;
    request.append(buffer.data(), count);
  }
  return request;
}

void say_and_close(net::TcpStream& stream, const std::string& bytes) {
  int yes = 1;
  if (::setsockopt(stream.fd().get(), IPPROTO_TCP, TCP_CORK, &yes, sizeof yes) == -1)
    throw net::last_error("setsockopt");
  stream.write_all(bytes);
  (void)net::TcpStream(std::move(stream));
}

bool eventually(const std::function<bool()>& condition) {
  auto end = std::chrono::steady_clock::now() + patience_with_stages();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace testing
