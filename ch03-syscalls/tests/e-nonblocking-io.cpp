// The suite of ch03/e-nonblocking-io.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <utility>
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
const char* const nothing_yet = "read*:1:EAGAIN";

const std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";

int flags(const TcpStream& stream) { return ::fcntl(stream.fd().get(), F_GETFL); }

// Waits until so many bytes can be read, without reading them.
bool has_arrived(const net::Fd& socket, int count) {
  return eventually([&] {
    int bytes = 0;
    REQUIRE(::ioctl(socket.get(), FIONREAD, &bytes) == 0);
    return bytes == count;
  });
}

bool completes(Download& download) {
  return eventually([&] {
    download.read_some();
    return download.done();
  });
}

// Whether it throws this error with the name of one of these calls: which of them it makes is free.
void check_throws(const std::function<void()>& action, const std::vector<std::string>& calls,
                  const std::string& error) {
  std::string thrown = "nothing";
  try {
    action();
  } catch (const std::system_error& failure) {
    thrown = failure.what();
  }
  INFO("thrown: ", thrown);
  bool carries_a_name = std::any_of(calls.begin(), calls.end(), [&](const std::string& call) {
    return thrown == call + ": " + error;
  });
  CHECK_MESSAGE(carries_a_name, "it should be: ", calls.front(), ": ", error);
}

}  // namespace

TEST_CASE("a non-blocking read() says that nothing is there, and that is no error") {
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  stream.set_nonblocking();
  std::array<char, 100> buffer;
  CHECK(stream.read(buffer) == std::nullopt);
  CHECK(stream.read(buffer) == std::nullopt);
}

TEST_CASE("set_nonblocking() adds one flag, and leaves the others as they were") {
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  const int before = flags(stream) | O_APPEND;
  REQUIRE(::fcntl(stream.fd().get(), F_SETFL, before) == 0);
  stream.set_nonblocking();
  CHECK(flags(stream) == (before | O_NONBLOCK));
  stream.set_nonblocking();
  CHECK(flags(stream) == (before | O_NONBLOCK));
  CHECK(::fcntl(stream.fd().get(), F_GETFD) == FD_CLOEXEC);
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
  CHECK(stream.read(buffer) == 0);  // and it stays the end
}

TEST_CASE("read() fills the buffer that it is given, to its last byte and not beyond") {
  Peer peer([](net::TcpStream stream) {
    stream.write_all("one, two");
    testing::read_request(stream);  // until the client is gone
  });
  TcpStream stream = TcpStream::connect(peer.address());
  REQUIRE(has_arrived(stream.fd(), 8));
  std::string buffer = "......";
  CHECK(stream.read({buffer.data(), 1}) == 1);
  CHECK(buffer == "o.....");
  CHECK(stream.read({buffer.data() + 1, 4}) == 4);
  CHECK(buffer == "one, .");
  CHECK(stream.read(buffer) == 3);
  CHECK(buffer == "two, .");
}

TEST_CASE("a socket that cannot be made non-blocking is an error") {
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  std::size_t before = testing::calls("fcntl*");
  stream.set_nonblocking();
  std::size_t calls = testing::calls("fcntl*") - before;
  CHECK(calls > 0);
  for (std::size_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    Faults refused("fcntl*:" + std::to_string(call) + ":EBADF");
    check_throws([&] { stream.set_nonblocking(); }, {"fcntl", "ioctl"}, "Bad file descriptor");
  }
}

TEST_CASE("an error of read() is thrown, and carries its name") {
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  stream.set_nonblocking();
  std::array<char, 100> buffer;
  Faults broken("read*:1:ECONNRESET");
  check_throws([&] { (void)stream.read(buffer); },
               {"read", "readv", "preadv2", "recv", "recvfrom", "recvmsg"},
               "Connection reset by peer");
}

TEST_CASE("a signal does not make read() say that nothing is there") {
  Peer peer([](net::TcpStream stream) {
    stream.write_all("ping");
    testing::read_request(stream);
  });
  TcpStream stream = TcpStream::connect(peer.address());
  std::array<char, 100> buffer;
  Faults faults("read*:every:EINTR");
  CHECK(stream.read(buffer) == 4);
}

TEST_CASE("write_all() sends each byte once, whatever comes between") {
  Peer peer([](net::TcpStream stream) { stream.write_all(testing::read_request(stream)); });
  TcpStream stream = TcpStream::connect(peer.address());
  const std::string sent = "one byte at a time\r\n\r\n";
  {
    Faults faults("write*:short write*:every:EINTR");
    stream.write_all(sent);
  }
  std::string received(2 * sent.size(), '.');
  REQUIRE(has_arrived(stream.fd(), static_cast<int>(sent.size())));
  CHECK(stream.read(received) == sent.size());
  CHECK(received.substr(0, sent.size()) == sent);
}

TEST_CASE("what nobody can receive is an error, and no SIGPIPE") {
  static volatile std::sig_atomic_t signals;
  signals = 0;
  auto before = std::signal(SIGPIPE, [](int) { signals = signals + 1; });
  Peer peer([](net::TcpStream stream) { testing::read_request(stream); });
  TcpStream stream = TcpStream::connect(peer.address());
  REQUIRE(::shutdown(stream.fd().get(), SHUT_WR) == 0);
  CHECK_THROWS_AS(stream.write_all("is anybody there?"), std::system_error);
  CHECK(signals == 0);
  std::signal(SIGPIPE, before);
}

TEST_CASE("downloads collect their answers in as many pieces as they come in, each its own") {
  for (std::string plan : {"read*:short", "read*:short read*:every:EAGAIN"}) {
    CAPTURE(plan);
    Peer peer([](net::TcpStream stream) {
      bool first = testing::read_request(stream).find("/first") != std::string::npos;
      stream.write_all(std::string(head) + (first ? "ping" : "pong"));
    });
    std::vector<Download> downloads;
    downloads.emplace_back(peer.address(), "first", 0ms);
    downloads.emplace_back(peer.address(), "second", 0ms);
    Faults faults(plan);
    CHECK(eventually([&] {
      for (Download& download : downloads)
        if (!download.done()) download.read_some();
      return downloads[0].done() && downloads[1].done();
    }));
    CHECK(downloads[0].response().status == 200);
    CHECK(downloads[0].response().body == "ping");
    CHECK(downloads[1].response().body == "pong");
  }
}

TEST_CASE("a long answer arrives whole, whatever bytes it is made of") {
  std::string body(100'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i % 251);
  Peer peer([&](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body);
  });
  Download download(peer.address(), "request-0", 0ms);
  Faults faults(nothing_yet);
  CHECK(completes(download));
  bool is_whole = download.response().body == body;
  CHECK(is_whole);
}

TEST_CASE("read_some() tells whether anything had arrived") {
  // Half an answer, and the rest when we say so.
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all(std::string(head) + "pi");
    testing::read_request(stream);
    stream.write_all("ng");
    testing::read_request(stream);  // until the client is gone
  });
  Download download(peer.address(), "request-0", 0ms);
  {
    Faults faults(nothing_yet);
    CHECK_FALSE(download.read_some());
    CHECK_FALSE(download.done());
  }
  REQUIRE(has_arrived(download.fd(), static_cast<int>(head.size()) + 2));
  CHECK(download.read_some());
  CHECK_FALSE(download.done());
  CHECK_FALSE(download.read_some());
  REQUIRE(::send(download.fd().get(), "\r\n\r\n", 4, MSG_NOSIGNAL) == 4);
  REQUIRE(has_arrived(download.fd(), 2));
  CHECK(download.read_some());
  CHECK(download.done());
}

TEST_CASE("an answer that only the end of the stream completes is complete then, and not before") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.0 200 OK\r\n\r\nping");
    testing::read_request(stream);
  });
  Download download(peer.address(), "request-0", 0ms);
  REQUIRE(has_arrived(download.fd(), 23));
  CHECK(download.read_some());
  CHECK_FALSE(download.read_some());
  CHECK_FALSE(download.done());
  REQUIRE(::send(download.fd().get(), "\r\n\r\n", 4, MSG_NOSIGNAL) == 4);
  REQUIRE(eventually([&] {
    pollfd end{download.fd().get(), POLLRDHUP, 0};
    return ::poll(&end, 1, 0) == 1;
  }));
  CHECK(download.read_some());  // the end is something that has arrived, too
  CHECK(download.done());
  CHECK(download.response().body == "ping");
}

TEST_CASE("an answer that is cut short is an error, never an answer") {
  for (std::string sent :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}) {
    CAPTURE(sent);
    Peer peer([&](net::TcpStream stream) {
      testing::read_request(stream);
      stream.write_all(sent);
    });
    Download download(peer.address(), "request-0", 0ms);
    Faults faults(nothing_yet);
    CHECK_THROWS_AS(while (!download.done()) download.read_some(), http::ParseError);
    CHECK_FALSE(download.done());
  }
}

TEST_CASE("a download has one descriptor, and closes it") {
  // The kernel connects us, nobody accepts: a server in this process would open descriptors, too.
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  std::size_t before = testing::open_descriptors();
  {
    Download download(listener.address(), "request-0", 0ms);
    CHECK(testing::open_descriptors() == before + 1);
    Download moved = std::move(download);
    CHECK(testing::open_descriptors() == before + 1);
  }
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("a download that fails to start leaves no descriptor open") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  for (std::string plan :
       {"socket:1:EMFILE", "connect:1:ECONNREFUSED", "write*:1:EPIPE", "fcntl*:1:EBADF"}) {
    CAPTURE(plan);
    std::size_t before = testing::open_descriptors();
    Faults faults(plan);
    CHECK_THROWS_AS(Download(listener.address(), "request-0", 0ms), std::system_error);
    CHECK(testing::open_descriptors() == before);
  }
}

TEST_CASE("the program does not read on after the end of a stream, which stays there") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    testing::say_and_close(stream, std::string(head) + "ping");
  });
  process::Result result =
      testing::run(STAGE_PROGRAM, testing::stage_options(peer.address()), nothing_yet);
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
}

TEST_CASE("the program has all five requests in flight at once, in one thread") {
  testing::check_all_in_flight(STAGE_PROGRAM, nothing_yet);
}

TEST_CASE("the program takes from each what has come, and stays with none") {
  testing::check_takes_turns(STAGE_PROGRAM);
}

TEST_CASE("the program pays for it with reads that find nothing") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 5);
  CHECK(counted.calls["read*"] > 100);
  CHECK(counted.calls["nanosleep*"] == 0);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "")
