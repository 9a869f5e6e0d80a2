// The suite of common/net.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "net/address.hpp"
#include "net/fd.hpp"
#include "net/tcp_listener.hpp"
#include "net/tcp_stream.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

using net::Address;
using net::Fd;
using net::TcpListener;
using net::TcpStream;
using testing::Faults;
using testing::Peer;

namespace {

int some_descriptor() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int number) { return ::fcntl(number, F_GETFD) != -1; }

}  // namespace

TEST_CASE("an Fd closes its descriptor once, whoever holds it last") {
  int number = some_descriptor();
  {
    Fd first(number);
    Fd second(std::move(first));
    CHECK_FALSE(first);
    CHECK(second.get() == number);
    Fd third;
    third = std::move(second);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("assigning to an Fd closes what it had, and self-assignment closes nothing") {
  int a = some_descriptor(), b = some_descriptor();
  Fd fd(a);
  fd = Fd(b);
  CHECK_FALSE(is_open(a));
  Fd& same = fd;
  fd = std::move(same);
  CHECK(is_open(b));
}

TEST_CASE("Fd::checked() turns -1 into the error of the call") {
  CHECK_THROWS_WITH_AS((void)Fd::checked(::open("/does/not/exist", O_RDONLY), "open"),
                       "open: No such file or directory", std::system_error);
}

TEST_CASE("an address is read from HOST:PORT, and written the same way") {
  CHECK(Address::parse("127.0.0.1:8080").to_string() == "127.0.0.1:8080");
  CHECK(Address::parse("[::1]:80").to_string() == "[::1]:80");
  CHECK(Address::parse("[::1]:80").family() == AF_INET6);
  CHECK(Address::parse("localhost:65535").port() == 65535);
  CHECK(Address::resolve("::1", 7).to_string() == "[::1]:7");
  CHECK(Address::resolve("[::1]", 7).to_string() == "[::1]:7");
}

TEST_CASE("what is no address is refused with a sentence that says why") {
  auto message = [](const std::string& text) -> std::string {
    try {
      (void)Address::parse(text);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(message("localhost") == "\"localhost\" is not HOST:PORT: there is no colon");
  CHECK(message(":80") == "\":80\" is not HOST:PORT: the host is missing");
  CHECK(message("::1:80").find("brackets") != std::string::npos);
  for (std::string port : {"h:", "h:x", "h:-1", "h:65536", "h:80 ", "h:8o"}) {
    CAPTURE(port);
    CHECK(message(port).find("the port must be a number") != std::string::npos);
  }
  CHECK(message("no such host:80").find("cannot find the host") != std::string::npos);
}

TEST_CASE("a stream carries bytes both ways, and sees the end") {
  for (std::string any : {"127.0.0.1:0", "[::1]:0"}) {
    CAPTURE(any);
    TcpListener listener = TcpListener::bind(Address::parse(any));
    CHECK(listener.accept().has_value() == false);
    TcpStream client = TcpStream::connect(listener.address());
    std::optional<TcpStream> server;
    REQUIRE(testing::eventually([&] { return (server = listener.accept()).has_value(); }));
    std::array<char, 10> buffer;
    client.write_all("ping");
    CHECK(server->read(buffer) == 4);
    server->write_all("pong");
    server.reset();
    CHECK(client.read(buffer) == 4);
    CHECK(std::string(buffer.data(), 4) == "pong");
    CHECK(client.read(buffer) == 0);
  }
}

TEST_CASE(
    "of a name's addresses the first one that answers is taken (localhost: ::1, then 127.0.0.1)") {
  net::TcpListener listener = net::TcpListener::bind(Address::parse("127.0.0.1:0"));
  Address here = listener.address(), nobody = testing::nobody();
  CHECK(net::first_that_answers({nobody, here}).to_string() == here.to_string());
  CHECK(net::first_that_answers({here, nobody}).to_string() == here.to_string());
  CHECK(net::first_that_answers({nobody, nobody}).to_string() == nobody.to_string());
  std::size_t before = testing::calls("connect");
  CHECK(net::first_that_answers({nobody}).to_string() == nobody.to_string());
  CHECK(testing::calls("connect") == before);  // nobody was asked
  CHECK(Address::parse_all("127.0.0.1:80").size() == 1);
  CHECK(Address::parse_all("localhost:80").front().to_string() ==
        Address::parse("localhost:80").to_string());
}

TEST_CASE("would-block is a value, for reading and for writing") {
  // Connected, and nobody reads: no room comes back.
  net::TcpListener listener = net::TcpListener::bind(Address::parse("127.0.0.1:0"));
  TcpStream stream = TcpStream::connect(listener.address());
  stream.set_nonblocking();
  std::array<char, 10> buffer;
  CHECK(stream.read(buffer) == std::nullopt);
  std::string block(1 << 20, 'x');
  while (stream.write(block)) {
  }
  CHECK_THROWS_WITH_AS(stream.write_all("x"), "send: Resource temporarily unavailable",
                       std::system_error);
}

TEST_CASE("signals and short counts change nothing") {
  Peer peer([](TcpStream stream) { stream.write_all(testing::read_request(stream)); });
  for (std::string plan : {"read:every:EINTR send:every:EINTR", "read:short send:short"}) {
    CAPTURE(plan);
    TcpStream stream = TcpStream::connect(peer.address());
    Faults faults(plan);
    std::string sent = "echo this\r\n\r\n", received;
    stream.write_all(sent);
    std::array<char, 100> buffer;
    while (std::size_t count = stream.read(buffer).value()) received.append(buffer.data(), count);
    CHECK(received == sent);
  }
}

TEST_CASE("a connect() that a signal interrupts is finished, not begun again") {
  SUBCASE("somebody listens") {
    Peer peer([](TcpStream stream) { stream.write_all("hello"); });
    std::size_t before = testing::calls("connect");
    // The wrapper does not carry the call out, so the socket is not connected; poll() reports that
    // at once, and SO_ERROR has nothing to complain about.
    Faults faults("connect:1:EINTR poll:1:EINTR");
    TcpStream stream = TcpStream::connect(peer.address());
    CHECK(testing::calls("connect") == before + 1);
  }
}

TEST_CASE("errors carry the name of the call, and leave no descriptor open") {
  std::size_t before = testing::open_descriptors();
  CHECK_THROWS_WITH_AS((void)TcpStream::connect(testing::nobody()), "connect: Connection refused",
                       std::system_error);
  {
    Faults faults("socket:1:EMFILE");
    CHECK_THROWS_WITH_AS((void)TcpStream::connect(testing::nobody()), "socket: Too many open files",
                         std::system_error);
  }
  TcpListener taken = TcpListener::bind(Address::parse("127.0.0.1:0"));
  CHECK_THROWS_WITH_AS((void)TcpListener::bind(taken.address()), "bind: Address already in use",
                       std::system_error);
  {
    Faults faults("accept4:1:ECONNABORTED accept4:2:EINTR accept4:3:EMFILE");
    CHECK_THROWS_WITH_AS((void)taken.accept(), "accept4: Too many open files", std::system_error);
  }
  taken = TcpListener::bind(Address::parse("127.0.0.1:0"));
  CHECK(testing::open_descriptors() == before + 1);
}

TEST_CASE("a peer that is gone is an error, never a SIGPIPE (cpp-httplib issue 77)") {
  Peer peer([](TcpStream) {});
  TcpStream stream = TcpStream::connect(peer.address());
  std::array<char, 1> buffer;
  REQUIRE(stream.read(buffer) == 0);
  CHECK_THROWS_AS(for (;;) stream.write_all("is anybody there?"), std::system_error);
}
