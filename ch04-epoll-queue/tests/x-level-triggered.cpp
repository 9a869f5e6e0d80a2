// The suite of ch04/x-level-triggered. What its queue promises in the same way as ch04/a-epoll's
// (signals, errors, batches, tokens) is checked by the suite of that stage.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "download.hpp"
#include "handle_events.hpp"
#include "poll.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;

namespace {

// Something that is readable when we say so.
struct Source {
  net::Fd fd = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  void make_readable() { REQUIRE(::eventfd_write(fd.get(), 1) == 0); }
  void drain() {
    eventfd_t value = 0;
    REQUIRE(::eventfd_read(fd.get(), &value) == 0);
  }
};

std::vector<Token> sorted(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// What the queue reports now, without waiting for anything: `nothing` is a source that it reports
// in any case, so wait() comes back.
constexpr Token nothing = 99;
std::vector<Token> reported_now(Poll& poll) {
  Source source;
  source.make_readable();
  poll.registry().add(source.fd, nothing);
  std::vector<Token> tokens = poll.wait();
  poll.registry().remove(source.fd);
  tokens.erase(std::remove(tokens.begin(), tokens.end(), nothing), tokens.end());
  return sorted(tokens);
}

// Waits until `count` bytes can be read, without reading them.
bool has_arrived(const Download& download, int count = 1) {
  return testing::eventually([&] {
    int bytes = 0;
    REQUIRE(::ioctl(download.fd().get(), FIONREAD, &bytes) == 0);
    return bytes >= count;
  });
}

// Reads a request, and goes on reading until it is nudged, or the client is gone.
void wait_for_nudge(net::TcpStream& stream) {
  std::string request;
  std::array<char, 4096> buffer;
  // A request ends with an empty line, and so does a nudge, which may come in the same read.
  while (request.find("\r\n\r\n\r\n\r\n") == std::string::npos) {
    std::size_t count = stream.read(buffer).value();
    if (count == 0) break;
    request.append(buffer.data(), count);
  }
}
void answer_when_nudged(net::TcpStream stream) {
  wait_for_nudge(stream);
  stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping");
  testing::read_request(stream);  // until the client is gone: no end of the stream before that
}
void nudge(const Download& download) {
  std::string_view end = "\r\n\r\n";
  REQUIRE(::send(download.fd().get(), end.data(), end.size(), MSG_NOSIGNAL) == 4);
}

}  // namespace

TEST_CASE("a source is reported for as long as it is readable, not once for each arrival") {
  Source a, b;
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  a.make_readable();
  CHECK(poll.wait() == std::vector<Token>{10});
  b.make_readable();  // and a still is
  REQUIRE(sorted(poll.wait()) == std::vector<Token>{10, 20});
  a.drain();
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("handle_events() reads once for each event, and is told again about the rest") {
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "big?fill=30000", 0ms);
  REQUIRE(has_arrived(downloads[0], 30000));
  Poll poll;
  Turns turns;
  poll.registry().add(downloads[0].fd(), 0);
  std::size_t events = 0, completed = 0, before = testing::calls("recv*");
  while (completed == 0) {
    std::vector<Token> ready = reported_now(poll);
    REQUIRE(ready == std::vector<Token>{0});  // all of it is here: nothing new will arrive
    completed = handle_events(poll, ready, downloads, turns);
    CHECK(testing::calls("recv*") - before == ++events);
  }
  CHECK(completed == 1);
  CHECK(downloads[0].response().body.size() == 30000);
}

TEST_CASE("a download that is ready before its turn is not read, and does not end every wait") {
  Peer peer(answer_when_nudged);
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  downloads.emplace_back(server.address(), "request-1", 0ms);
  REQUIRE(has_arrived(downloads[1]));
  Poll poll;
  Turns turns;
  poll.registry().add(downloads[0].fd(), 0);
  poll.registry().add(downloads[1].fd(), 1);
  std::vector<Token> ready = poll.wait();
  REQUIRE(ready == std::vector<Token>{1});
  std::size_t before = testing::calls("recv*");
  CHECK(handle_events(poll, ready, downloads, turns) == 0);
  CHECK(testing::calls("recv*") == before);
  CHECK(reported_now(poll) == std::vector<Token>{});
}

TEST_CASE("a download that was put aside is taken when its turn comes, though nothing arrives") {
  Peer peer(answer_when_nudged), second(answer_when_nudged);
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  downloads.emplace_back(server.address(), "request-1", 0ms);
  downloads.emplace_back(second.address(), "request-2", 0ms);
  downloads.emplace_back(server.address(), "request-3", 0ms);
  Poll poll;
  Turns turns;
  for (Token token = 0; token < 4; ++token) poll.registry().add(downloads[token].fd(), token);
  REQUIRE(has_arrived(downloads[1]));
  REQUIRE(has_arrived(downloads[3]));
  REQUIRE(handle_events(poll, {3, 1}, downloads, turns) == 0);
  nudge(downloads[0]);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads, turns);
  CHECK(downloads[0].done());
  // Number 1 may have been taken in the same round. Number 3, for whom it is still too early, has
  // not, and does not end a wait.
  while (completed == 1) {
    std::vector<Token> ready = reported_now(poll);
    REQUIRE(ready == std::vector<Token>{1});
    completed += handle_events(poll, ready, downloads, turns);
  }
  CHECK(downloads[1].done());
  CHECK_FALSE(downloads[3].done());
  CHECK(reported_now(poll) == std::vector<Token>{});
  nudge(downloads[2]);
  while (completed < 4) completed += handle_events(poll, poll.wait(), downloads, turns);
  CHECK(downloads[3].done());
}

TEST_CASE("handle_events() makes nothing of an event behind which there is nothing") {
  Peer peer(answer_when_nudged);
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  Poll poll;
  Turns turns;
  poll.registry().add(downloads[0].fd(), 0);
  CHECK(handle_events(poll, {0}, downloads, turns) == 0);
  CHECK_FALSE(downloads[0].done());
  nudge(downloads[0]);
  CHECK(poll.wait() == std::vector<Token>{0});
}

TEST_CASE("a download whose turn comes before its answer has been registered all the time") {
  Peer peer(answer_when_nudged);
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "request-0", 0ms);
  downloads.emplace_back(peer.address(), "request-1", 0ms);
  Poll poll;
  Turns turns;
  poll.registry().add(downloads[0].fd(), 0);
  poll.registry().add(downloads[1].fd(), 1);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads, turns);
  nudge(downloads[1]);
  while (completed == 1) completed += handle_events(poll, poll.wait(), downloads, turns);
  CHECK(completed == 2);
  CHECK(downloads[1].response().body == "ping");
}

TEST_CASE("those that are ready at once are completed in the order of the requests") {
  Delayserver server;
  std::vector<Download> downloads;
  Poll poll;
  Turns turns;
  for (Token token = 0; token < 4; ++token) {
    downloads.emplace_back(server.address(), "request-" + std::to_string(token), 0ms);
    poll.registry().add(downloads[token].fd(), token);
    pollfd end{downloads[token].fd().get(), POLLRDHUP, 0};
    REQUIRE(::poll(&end, 1, -1) == 1);  // its answer is here, and the end of the stream
  }
  // One batch, in an order that nobody promises.
  std::size_t completed = handle_events(poll, {2, 0, 1, 3}, downloads, turns);
  CHECK(downloads[0].done());
  while (completed < 4) {
    std::vector<Token> ready = reported_now(poll);
    REQUIRE_FALSE(ready.empty());
    completed += handle_events(poll, ready, downloads, turns);
    for (Token token = 1; token < 4; ++token)
      CHECK((downloads[token - 1].done() || !downloads[token].done()));
  }
  CHECK(reported_now(poll) == std::vector<Token>{});
}

TEST_CASE(
    "a connection that breaks before its turn does not end every wait either (h2o 603: "
    "interest in EPOLLHUP cannot be switched off)") {
  Peer waiting(answer_when_nudged);
  Peer breaking([](net::TcpStream stream) {
    wait_for_nudge(stream);
    linger reset{1, 0};  // close() sends a reset, not an end
    (void)::setsockopt(stream.fd().get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  });
  std::vector<Download> downloads;
  downloads.emplace_back(waiting.address(), "request-0", 0ms);
  downloads.emplace_back(breaking.address(), "request-1", 0ms);
  Poll poll;
  Turns turns;
  poll.registry().add(downloads[0].fd(), 0);
  poll.registry().add(downloads[1].fd(), 1);
  nudge(downloads[1]);
  std::vector<Token> ready = poll.wait();
  REQUIRE(ready == std::vector<Token>{1});
  CHECK(handle_events(poll, ready, downloads, turns) == 0);
  CHECK(reported_now(poll) == std::vector<Token>{});

  nudge(downloads[0]);
  auto until_both_are_done = [&] {
    while (true) (void)handle_events(poll, poll.wait(), downloads, turns);
  };
  CHECK_THROWS_WITH_AS(until_both_are_done(), "read: Connection reset by peer", std::system_error);
  CHECK(downloads[0].done());
}

TEST_CASE(
    "the end of the stream of a complete download does not end every wait (the book's issue 4)") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping");
    testing::read_request(stream);  // until we say so, or are gone
  });
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  Poll poll;
  Turns turns;
  poll.registry().add(downloads[0].fd(), 0);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads, turns);
  CHECK(completed == 1);

  nudge(downloads[0]);
  pollfd end{downloads[0].fd().get(), POLLIN, 0};
  REQUIRE(::poll(&end, 1, -1) == 1);  // the end of the stream is here
  CHECK(reported_now(poll) == std::vector<Token>{});
}

TEST_CASE("the program has all five requests in flight, and takes the answers in their order") {
  std::string out = testing::check_all_in_flight(STAGE_PROGRAM).result.out;
  std::size_t last = 0;
  for (int i = 0; i < 5; ++i) {
    std::size_t done = out.find("200 OK: request-" + std::to_string(i));
    REQUIRE(done != std::string::npos);
    CHECK(done >= last);
    last = done;
  }
}

TEST_CASE("the program sleeps while what is ready is not wanted") {
  Delayserver server;
  // Time enough for thousands of waits, between the first answer and the one that is wanted first.
  testing::CountedResult counted = testing::counted_run(
      STAGE_PROGRAM, {"--server", server.address().to_string(), "--unit-ms", "100"});
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  // Five that are ready, four of them twice. An answer may come in two pieces, its head and its
  // body; nothing waits more often than that.
  CHECK(counted.calls["epoll_wait*"] <= 14);
  CHECK(counted.calls["recv*"] <= 10);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
