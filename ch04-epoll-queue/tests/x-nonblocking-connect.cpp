// The suite of ch04/x-nonblocking-connect. What its queue promises in the same way as
// ch04/a-epoll's (signals, errors, batches, tokens) is checked by the suite of that stage.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "download.hpp"
#include "handle_events.hpp"
#include "net/tcp_listener.hpp"
#include "poll.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Faults;
using testing::Peer;

namespace {

// Something that is readable when we say so, and always writable.
struct Source {
  net::Fd fd = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  void make_readable() { REQUIRE(::eventfd_write(fd.get(), 1) == 0); }
};

std::vector<Token> sorted(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// An address where nobody answers: it listens, but with room for one connection that waits to be
// accepted, and that place is taken. Linux drops what comes then, as a firewall would; whoever
// connects goes on trying for about two minutes.
class SilentPeer {
 public:
  SilentPeer() {
    REQUIRE(::listen(listener_.fd().get(), 0) == 0);  // again, with less room
    taken_.emplace(net::TcpStream::connect(address()));
    pollfd waiting{listener_.fd().get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
  }
  [[nodiscard]] net::Address address() const { return listener_.address(); }

 private:
  net::TcpListener listener_ = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  std::optional<net::TcpStream> taken_;
};

// As in the program: registers them all, and goes on until `wanted` are complete.
void complete(Poll& poll, std::vector<Download>& downloads, std::size_t wanted) {
  for (Token token = 0; token < downloads.size(); ++token)
    poll.registry().add(downloads[token].fd(), token);
  for (std::size_t completed = 0; completed < wanted;)
    completed += handle_events(poll, poll.wait(), downloads);
}

}  // namespace

TEST_CASE("a source is reported when it becomes readable or writable, once for each") {
  Source a, b;
  b.make_readable();
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  REQUIRE(sorted(poll.wait()) == std::vector<Token>{10, 20});  // nothing to read from a
  a.make_readable();                                           // and both are still writable
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("a download does not wait for its connection, and holds up nobody else") {
  SilentPeer silent;
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(silent.address(), "request-0", 0ms);
  downloads.emplace_back(server.address(), "request-1", 0ms);
  downloads.emplace_back(server.address(), "request-2", 0ms);
  Poll poll;
  complete(poll, downloads, 2);
  CHECK_FALSE(downloads[0].done());
  CHECK(downloads[1].response().body == "request-1");
  CHECK(downloads[2].response().body == "request-2");
}

TEST_CASE("asked too early, a download says that there is nothing to do yet, and sends nothing") {
  SilentPeer silent;
  std::size_t sends = testing::calls("send*");
  Download download(silent.address(), "request-0", 0ms);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(download.advance());
  CHECK(testing::calls("send*") == sends);
}

TEST_CASE(
    "a download whose connection stands sends its request, and does not wait for the answer") {
  Delayserver server;
  Download download(server.address(), "request-0", 60s);
  pollfd connected{download.fd().get(), POLLOUT, 0};
  REQUIRE(::poll(&connected, 1, -1) == 1);
  while (download.advance()) {
  }
  CHECK(testing::eventually([&] { return server.stats().in_flight == 1; }));
  CHECK_FALSE(download.advance());
  CHECK_FALSE(download.done());
}

TEST_CASE(
    "an interrupted connect() is not called again: it goes on by itself (rust-lang/rust 116132)") {
  Delayserver server;
  for (std::string plan : {"connect:1:EINTR", "connect:1:EINPROGRESS"}) {
    CAPTURE(plan);
    std::vector<Download> downloads;
    std::size_t before = testing::calls("connect");
    {
      Faults faults(plan);
      downloads.emplace_back(server.address(), "request-0", 0ms);
    }
    CHECK(testing::calls("connect") == before + 1);
    // A fault is not carried out. So it is we who do what the kernel would go on with.
    net::Address address = server.address();
    (void)::connect(downloads[0].fd().get(), address.data(), address.size());
    Poll poll;
    complete(poll, downloads, 1);
    CHECK(downloads[0].response().body == "request-0");
  }
}

TEST_CASE("a refused connection is an error of connect(), when the queue says that it is over") {
  std::vector<Download> downloads;
  downloads.emplace_back(testing::nobody(), "request-0", 0ms);
  Poll poll;
  CHECK_THROWS_WITH_AS(complete(poll, downloads, 1), "connect: Connection refused",
                       std::system_error);
}

TEST_CASE("what fails at once is an error at once, by the name of its call") {
  Delayserver server;
  {
    Faults faults("connect:1:ENETUNREACH");
    CHECK_THROWS_WITH_AS(Download(server.address(), "request-0", 0ms),
                         "connect: Network is unreachable", std::system_error);
  }
  // Whichever of them tells whether the connection stands.
  for (std::string call : {"getsockopt", "getpeername"}) {
    CAPTURE(call);
    Download download(server.address(), "request-0", 0ms);
    pollfd connected{download.fd().get(), POLLOUT, 0};
    REQUIRE(::poll(&connected, 1, -1) == 1);
    std::size_t before = testing::calls(call);
    Faults faults(call + ":1:EBADF");
    std::string error;
    try {
      (void)download.advance();
    } catch (const std::system_error& thrown) {
      error = thrown.what();
    }
    if (testing::calls(call) > before) CHECK(error == call + ": Bad file descriptor");
  }
}

TEST_CASE("a connection that nobody reads any more is an error, not a signal (cpp-httplib 77)") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  Download download(listener.address(), "request-0", 0ms);
  pollfd connected{download.fd().get(), POLLOUT, 0};
  REQUIRE(::poll(&connected, 1, -1) == 1);
  REQUIRE(::shutdown(download.fd().get(), SHUT_WR) == 0);  // what is sent from now on is for nobody
  std::signal(SIGPIPE, SIG_DFL);
  auto go_on = [&] {
    while (download.advance()) {
    }
  };
  CHECK_THROWS_WITH_AS(go_on(), doctest::Contains(": Broken pipe"), std::system_error);
}

TEST_CASE("a server may have an IPv6 address") {
  std::optional<Peer> peer;
  try {
    peer.emplace(
        [](net::TcpStream stream) {
          testing::read_request(stream);
          stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping");
        },
        net::Address::parse("[::1]:0"));
  } catch (const std::system_error&) {
    MESSAGE("this machine has no IPv6");
    return;
  }
  std::vector<Download> downloads;
  downloads.emplace_back(peer->address(), "request-0", 0ms);
  Poll poll;
  complete(poll, downloads, 1);
  CHECK(downloads[0].response().body == "ping");
}

TEST_CASE("a request that the kernel takes only in part is sent to its end") {
  Source go;  // nothing is read before, so there is no room for all of it
  std::atomic<std::size_t> received{0};
  Peer peer([&](net::TcpStream stream) {
    pollfd told{go.fd.get(), POLLIN, 0};
    REQUIRE(::poll(&told, 1, -1) == 1);
    received = testing::read_request(stream).size();
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping");
  });
  struct Release {  // also when the case fails: the peer waits for it
    Source& source;
    ~Release() { source.make_readable(); }
  } release{go};

  std::vector<Download> downloads;
  std::string name(1'000'000, 'x');  // more than there is room for
  downloads.emplace_back(peer.address(), name, 0ms);
  int little = 1;  // the kernel makes it a few kilobytes
  REQUIRE(::setsockopt(downloads[0].fd().get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little) ==
          0);
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  std::size_t completed = 0, sends = testing::calls("send*");
  while (testing::calls("send*") == sends) completed = handle_events(poll, poll.wait(), downloads);
  CHECK(completed == 0);
  go.make_readable();
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads);
  CHECK(received > name.size());
  CHECK(downloads[0].response().body == "ping");
}

TEST_CASE("an answer longer than one buffer is read to its end") {
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "big?fill=30000", 0ms);
  Poll poll;
  complete(poll, downloads, 1);
  CHECK(downloads[0].response().body.size() == 30000);
}

TEST_CASE("a download has one socket, which never blocks, is not inherited, and is closed") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  std::size_t before = testing::open_descriptors();
  {
    Download download(listener.address(), "request-0", 0ms);
    CHECK(testing::open_descriptors() == before + 1);
    CHECK((::fcntl(download.fd().get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(download.fd().get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("a download that fails to start leaves no descriptor open") {
  net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  for (std::string call : {"socket", "connect"}) {
    std::size_t before = testing::open_descriptors();
    Faults faults(call + ":1:EMFILE");
    std::string said = call + ": Too many open files";
    CHECK_THROWS_WITH_AS(Download(listener.address(), "request-0", 0ms), said.c_str(),
                         std::system_error);
    CHECK(testing::open_descriptors() == before);
  }
}

TEST_CASE("the program has all five requests in flight at once, and sleeps between the answers") {
  testing::check_all_in_flight(STAGE_PROGRAM);
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.answered().size() == 5);
  // For each download one event when it is connected, and one or two when its answer comes; nothing
  // asks more often than that.
  CHECK(counted.calls["epoll_wait*"] <= 20);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
