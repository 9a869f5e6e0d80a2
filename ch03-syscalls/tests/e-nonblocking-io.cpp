// The suite of ch03/e-nonblocking-io.

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "download.hpp"
#include "net/tcp_listener.hpp"
#include "tcp_stream.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::eventually;
using testing::Faults;
using testing::Peer;

namespace {

// The first read() of this thread finds nothing, however fast the peer is.
const char* const nothing_yet = "read:1:EAGAIN recv:1:EAGAIN";

}  // namespace

TEST_CASE("a non-blocking read() says that nothing is there, and that is no error") {
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  stream.set_nonblocking();
  std::array<char, 100> buffer;
  CHECK(stream.read(buffer) == std::nullopt);
  CHECK(stream.read(buffer) == std::nullopt);
}

TEST_CASE("nothing yet and the end of the stream are two different answers") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("the end");
  });
  TcpStream stream = TcpStream::connect(peer.address());
  stream.set_nonblocking();
  std::array<char, 100> buffer;
  std::optional<std::size_t> count = stream.read(buffer);
  CHECK(count == std::nullopt);
  stream.write_all("\r\n\r\n");
  CHECK(eventually([&] { return (count = stream.read(buffer)).has_value(); }));
  CHECK(count == 7);
  CHECK(eventually([&] { return (count = stream.read(buffer)).has_value(); }));
  CHECK(count == 0);
}

TEST_CASE("a socket that cannot be made non-blocking is an error") {
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  Faults refused("fcntl:1:EBADF");
  CHECK_THROWS_WITH_AS(stream.set_nonblocking(), "fcntl: Bad file descriptor", std::system_error);
}

TEST_CASE("a signal does not make read() say that nothing is there") {
  Peer peer([](net::TcpStream stream) {
    stream.write_all("ping");
    testing::read_request(stream);
  });
  TcpStream stream = TcpStream::connect(peer.address());
  std::array<char, 100> buffer;
  Faults faults("read:every:EINTR");
  CHECK(stream.read(buffer) == 4);
}

TEST_CASE("a download collects its answer in as many pieces as it comes in") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    for (char byte : std::string("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping"))
      stream.write_all({&byte, 1});
  });
  Download download(peer.address(), "request-0", 0ms);
  Faults faults(nothing_yet);
  CHECK(eventually([&] {
    download.read_some();
    return download.done();
  }));
  CHECK(download.response().status == 200);
  CHECK(download.response().body == "ping");
}

TEST_CASE("read_some() tells whether anything had arrived") {
  Delayserver server;
  Download download(server.address(), "request-0", 50ms);
  CHECK_FALSE(download.read_some());
  CHECK_FALSE(download.done());
  CHECK(eventually([&] { return download.read_some(); }));
}

TEST_CASE("an answer that is cut short is an error, never an answer") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  });
  Download download(peer.address(), "request-0", 0ms);
  Faults faults(nothing_yet);
  CHECK_THROWS_AS(while (!download.done()) download.read_some(), http::ParseError);
  CHECK_FALSE(download.done());
}

TEST_CASE("a download has one descriptor, and closes it") {
  // The kernel connects us, nobody accepts: a server in this process would open descriptors, too.
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  std::size_t before = testing::open_descriptors();
  {
    Download download(listener.address(), "request-0", 0ms);
    CHECK(testing::open_descriptors() == before + 1);
  }
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("a download that fails to start leaves no descriptor open") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  for (std::string plan : {"socket:1:EMFILE", "connect:1:ECONNREFUSED",
                           "send:1:EPIPE write:1:EPIPE", "fcntl:1:EBADF", "fcntl:2:EBADF"}) {
    CAPTURE(plan);
    std::size_t before = testing::open_descriptors();
    Faults faults(plan);
    CHECK_THROWS_AS(Download(listener.address(), "request-0", 0ms), std::system_error);
    CHECK(testing::open_descriptors() == before);
  }
}

TEST_CASE("the program has all five requests in flight at once, in one thread") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 5);
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-4", "request-3", "request-2", "request-1", "request-0"});
}

TEST_CASE("the program pays for it with reads that find nothing") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(counted.calls["read"] > 100);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "")
