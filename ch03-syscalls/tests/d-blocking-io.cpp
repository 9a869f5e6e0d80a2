// The suite of ch03/d-blocking-io.

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tcp_stream.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

using testing::Delayserver;
using testing::Faults;
using testing::Peer;

namespace {

// Writes this, and closes.
Peer peer_that_sends(std::string text) {
  return Peer([text](net::TcpStream stream) { stream.write_all(text); });
}

}  // namespace

TEST_CASE("read() blocks until something arrives, and returns what there is") {
  Peer peer([](net::TcpStream stream) {
    stream.write_all("ping");
    testing::read_request(stream);
  });
  TcpStream stream = TcpStream::connect(peer.address());
  std::array<char, 4> buffer;  // all of it may be filled
  CHECK(stream.read(buffer) == 4);
  CHECK(std::string(buffer.data(), 4) == "ping");
  stream.write_all("\r\n\r\n");
}

TEST_CASE("read() returns 0 when the peer has closed the connection") {
  Peer peer = peer_that_sends("x");
  TcpStream stream = TcpStream::connect(peer.address());
  std::array<char, 100> buffer;
  CHECK(stream.read(buffer) == 1);
  CHECK(stream.read(buffer) == 0);
}

TEST_CASE("a signal interrupts neither read() nor write_all()") {
  Peer peer([](net::TcpStream stream) { stream.write_all(testing::read_request(stream)); });
  TcpStream stream = TcpStream::connect(peer.address());
  std::string sent = "echo this\r\n\r\n", received;
  Faults faults("read*:every:EINTR write*:every:EINTR");
  stream.write_all(sent);
  std::array<char, 100> buffer;
  while (std::size_t count = stream.read(buffer)) received.append(buffer.data(), count);
  CHECK(received == sent);
}

TEST_CASE("write_all() goes on where the kernel took only a part") {
  Peer peer([](net::TcpStream stream) { stream.write_all(testing::read_request(stream)); });
  TcpStream stream = TcpStream::connect(peer.address());
  std::string sent = "one byte at a time\r\n\r\n", received;
  Faults faults("write*:short");
  stream.write_all(sent);
  std::array<char, 100> buffer;
  while (std::size_t count = stream.read(buffer)) received.append(buffer.data(), count);
  CHECK(received == sent);
}

TEST_CASE("an error carries the name of the call, and leaves no descriptor open") {
  std::size_t before = testing::open_descriptors();
  CHECK_THROWS_WITH_AS((void)TcpStream::connect(testing::nobody()), "connect: Connection refused",
                       std::system_error);
  Faults faults("socket:1:EMFILE");
  CHECK_THROWS_WITH_AS((void)TcpStream::connect(testing::nobody()), "socket: Too many open files",
                       std::system_error);
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("a peer that is gone is an error, and no signal ends the process") {
  Peer peer([](net::TcpStream) {});
  TcpStream stream = TcpStream::connect(peer.address());
  std::array<char, 1> buffer;
  REQUIRE(stream.read(buffer) == 0);
  // The first bytes are answered by a reset, the next ones meet it.
  CHECK_THROWS_AS(for (;;) stream.write_all("is anybody there?"), std::system_error);
}

TEST_CASE("the program makes five requests, and never two at the same time") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 1);
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2", "request-3", "request-4"});
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "")
