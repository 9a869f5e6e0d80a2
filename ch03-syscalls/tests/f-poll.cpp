// The suite of ch03/f-poll.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <mutex>
#include <string>
#include <utility>
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
using testing::Faults;
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

// The other end of some downloads, in the order in which they were made: what they get, and when,
// is for a case to say.
class Server {
 public:
  [[nodiscard]] net::Address address() const { return peer_.address(); }
  // Returns when it has arrived there.
  void send(const Download& download, std::size_t number, const std::string& bytes) {
    connection(number).write_all(bytes);
    REQUIRE(testing::eventually([&] {
      int arrived = 0;
      REQUIRE(::ioctl(download.fd().get(), FIONREAD, &arrived) == 0);
      return arrived == static_cast<int>(bytes.size());
    }));
  }
  void close(const Download& download, std::size_t number) {
    REQUIRE(::shutdown(connection(number).fd().get(), SHUT_WR) == 0);
    REQUIRE(testing::eventually([&] {
      pollfd end{download.fd().get(), POLLRDHUP, 0};
      return ::poll(&end, 1, 0) == 1;
    }));
  }

 private:
  net::TcpStream& connection(std::size_t number) {
    net::TcpStream* found = nullptr;
    REQUIRE(testing::eventually([&] {
      std::lock_guard lock(mutex_);
      if (connections_.size() > number) found = &connections_[number];
      return found != nullptr;
    }));
    return *found;
  }

  std::mutex mutex_;
  std::deque<net::TcpStream> connections_;  // which stay where they are when more come
  Peer peer_{[this](net::TcpStream stream) {
    testing::read_request(stream);
    std::lock_guard lock(mutex_);
    connections_.push_back(std::move(stream));
  }};
};

const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
const std::string answer = head + "ping";

// So many requests on their way to `server`, each registered with its index as the token.
struct Round {
  Round(const Server& server, std::size_t count) {
    for (Token token = 0; token < count; ++token)
      downloads.emplace_back(server.address(), "request-" + std::to_string(token), 0ms);
    for (Token token = 0; token < count; ++token) poll.add(downloads[token].fd(), token);
  }
  std::vector<Download> downloads;
  Poll poll;
};

std::vector<Token> sorted(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace

TEST_CASE("wait() returns the token of the source that is ready, and no other") {
  Source a, b, c;
  Poll poll;
  poll.add(a.fd, 10);
  poll.add(b.fd, 20);
  poll.add(c.fd, 30);
  b.make_readable();
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("wait() returns all that are ready") {
  Source a, b, c;
  Poll poll;
  poll.add(a.fd, 10);
  poll.add(b.fd, 20);
  poll.add(c.fd, 30);
  a.make_readable();
  c.make_readable();
  CHECK(sorted(poll.wait()) == std::vector<Token>{10, 30});
}

TEST_CASE("wait() finds those that are ready among a hundred") {
  const Token last = std::numeric_limits<Token>::max();
  std::vector<Source> sources(100);
  Poll poll;
  for (Token i = 0; i < sources.size(); ++i) poll.add(sources[i].fd, last - i);
  sources[99].make_readable();
  CHECK(poll.wait() == std::vector<Token>{last - 99});
  sources[0].make_readable();
  sources[50].make_readable();
  CHECK(sorted(poll.wait()) == std::vector<Token>{last - 99, last - 50, last});
}

TEST_CASE("a source is reported for as long as it is readable") {
  Source a, b;
  Poll poll;
  poll.add(a.fd, 10);
  poll.add(b.fd, 20);
  a.make_readable();
  CHECK(poll.wait() == std::vector<Token>{10});
  CHECK(poll.wait() == std::vector<Token>{10});
  a.drain();
  b.make_readable();
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("a source that was removed is not reported any more, and the others are") {
  Source a, b, c;
  Poll poll;
  poll.add(a.fd, 10);
  poll.add(b.fd, 20);
  poll.add(c.fd, 30);
  for (Source* source : {&a, &b, &c}) source->make_readable();
  poll.remove(10);
  CHECK(sorted(poll.wait()) == std::vector<Token>{20, 30});
  poll.remove(30);
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("when a source has been removed, the others keep their tokens") {
  for (Token removed = 0; removed < 4; ++removed) {
    CAPTURE(removed);
    std::vector<Source> sources(4);
    Poll poll;
    for (Token token = 0; token < 4; ++token) poll.add(sources[token].fd, token);
    poll.remove(removed);
    sources[removed].make_readable();
    for (Token token = 0; token < 4; ++token) {
      if (token == removed) continue;
      sources[token].make_readable();  // nothing else that is in the list
      CHECK(poll.wait() == std::vector<Token>{token});
      sources[token].drain();
    }
    poll.add(sources[removed].fd, 7);
    CHECK(poll.wait() == std::vector<Token>{7});
  }
}

TEST_CASE("a signal does not end wait() (pistache issue 565: EINTR ended the event loop)") {
  Source a;
  Poll poll;
  poll.add(a.fd, 10);
  a.make_readable();
  Faults faults("poll*:every:EINTR");
  CHECK(poll.wait() == std::vector<Token>{10});
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("an error of poll() is thrown, and carries its name") {
  Source a;
  Poll poll;
  poll.add(a.fd, 10);
  std::string thrown = "nothing";
  try {
    Faults faults("poll*:1:ENOMEM");
    (void)poll.wait();
  } catch (const std::system_error& error) {
    thrown = error.what();
  }
  // With a "p" in front if it was ppoll().
  if (thrown.starts_with("pp")) thrown.erase(0, 1);
  CHECK(thrown == "poll: Cannot allocate memory");
}

TEST_CASE("the end of a stream is reported like bytes that have arrived") {
  Peer peer([](net::TcpStream) {});
  TcpStream stream = TcpStream::connect(peer.address());
  Poll poll;
  poll.add(stream.fd(), 10);
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("a hang-up alone is reported, too") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  net::Fd reader(ends[0]), writer(ends[1]);
  Poll poll;
  poll.add(reader, 10);
  writer.close();  // nothing to read, and nobody who could write
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("an error alone is reported, too") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  net::Fd reader(ends[0]), writer(ends[1]);
  Poll poll;
  poll.add(writer, 10);
  reader.close();  // whoever writes now gets EPIPE
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("wait() blocks until something is ready, however long that takes") {
  Source a;
  Poll poll;
  poll.add(a.fd, 10);
  a.make_readable();
  Faults faults("poll*:every:ETIME");  // where there is a limit, it has passed
  for (int round = 0; round < 2; ++round) {
    CHECK(poll.wait() == std::vector<Token>{10});
    CHECK(testing::last_timeout() == -1);
  }
}

TEST_CASE("a queue on poll(2) opens no descriptor, and leaves none open") {
  Source a, b;
  std::size_t before = testing::open_descriptors();
  {
    Poll poll;
    poll.add(a.fd, 10);
    poll.add(b.fd, 20);
    a.make_readable();
    (void)poll.wait();
    poll.remove(20);
    CHECK(testing::open_descriptors() == before);
  }
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("every call looks at every source") {
  Source a, b, c;
  Poll poll;
  poll.add(a.fd, 10);
  poll.add(b.fd, 20);
  poll.add(c.fd, 30);
  c.make_readable();  // the last in the list: there is no stopping before it
  (void)poll.wait();
  CHECK(poll.entries_scanned() == 3);
  (void)poll.wait();
  CHECK(poll.entries_scanned() == 6);
  poll.remove(10);
  b.make_readable();  // and if remove() has changed their order, both are to be found
  (void)poll.wait();
  CHECK(poll.entries_scanned() == 8);
}

TEST_CASE("handle_events() takes what has arrived, and does not wait for the rest") {
  Server server;
  Round round(server, 2);
  server.send(round.downloads[0], 0, head + "pi");
  server.send(round.downloads[1], 1, answer);
  CHECK(handle_events(round.poll, round.poll.wait(), round.downloads) == 1);
  CHECK_FALSE(round.downloads[0].done());
  CHECK(round.downloads[1].done());
  server.send(round.downloads[0], 0, "ng");
  CHECK(round.poll.wait() == std::vector<Token>{0});
  CHECK(handle_events(round.poll, {0}, round.downloads) == 1);
  CHECK(round.downloads[0].response().body == "ping");
}

TEST_CASE("handle_events() does not read on after the end of a stream, which stays there") {
  Server server;
  Round round(server, 1);
  server.send(round.downloads[0], 0, answer);
  server.close(round.downloads[0], 0);
  CHECK(handle_events(round.poll, round.poll.wait(), round.downloads) == 1);
}

TEST_CASE("handle_events() leaves alone what is not ready") {
  Server server;
  Round round(server, 2);
  server.send(round.downloads[0], 0, answer);
  CHECK(handle_events(round.poll, {}, round.downloads) == 0);
  CHECK_FALSE(round.downloads[0].done());
  server.send(round.downloads[1], 1, answer);
  CHECK(handle_events(round.poll, {1}, round.downloads) == 1);
  CHECK_FALSE(round.downloads[0].done());
  CHECK(round.downloads[1].done());
}

TEST_CASE("an event with nothing to read completes no download, and does not end the wait for it") {
  Server server;
  Round round(server, 2);
  REQUIRE(handle_events(round.poll, {1}, round.downloads) == 0);
  CHECK_FALSE(round.downloads[1].done());
  server.send(round.downloads[1], 1, answer);
  CHECK(round.poll.wait() == std::vector<Token>{1});
  CHECK(handle_events(round.poll, {1}, round.downloads) == 1);
}

TEST_CASE("handle_events() counts a download when it is complete, and then forgets it") {
  Server server;
  Round round(server, 4);
  for (std::size_t number : {std::size_t{3}, std::size_t{1}}) {
    server.send(round.downloads[number], number, answer);
    server.close(round.downloads[number], number);
  }
  server.send(round.downloads[2], 2, head);
  CHECK(handle_events(round.poll, round.poll.wait(), round.downloads) == 2);
  CHECK(round.downloads[1].done());
  CHECK(round.downloads[3].done());
  // The end of two streams is still there to be read, and nobody waits for it any more.
  server.send(round.downloads[0], 0, answer);
  CHECK(round.poll.wait() == std::vector<Token>{0});
  CHECK(handle_events(round.poll, {0}, round.downloads) == 1);
  server.send(round.downloads[2], 2, "ping");
  CHECK(round.poll.wait() == std::vector<Token>{2});
  CHECK(handle_events(round.poll, {2}, round.downloads) == 1);
}

TEST_CASE("handle_events() does not hide an answer that is cut short") {
  Server server;
  Round round(server, 1);
  server.send(round.downloads[0], 0, head);
  CHECK(handle_events(round.poll, round.poll.wait(), round.downloads) == 0);
  server.close(round.downloads[0], 0);
  CHECK_THROWS_AS(handle_events(round.poll, round.poll.wait(), round.downloads), http::ParseError);
}

TEST_CASE("the program has all five requests in flight at once, and sleeps between the answers") {
  testing::check_all_in_flight(STAGE_PROGRAM);
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 5);
  // An answer may come in two pieces, its head and its body; nothing asks more often than that.
  CHECK(counted.calls["poll*"] <= 10);
  CHECK(counted.calls["read*"] <= 20);
}

TEST_CASE("the program takes from each what has come, and stays with none") {
  testing::check_takes_turns(STAGE_PROGRAM);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "poll")
