// The suite of ch04/a-epoll.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <future>
#include <string>
#include <string_view>
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

// Lets a peer go on that waits in read_request().
void nudge(const Download& download) {
  std::string_view end = "\r\n\r\n";
  REQUIRE(::send(download.fd().get(), end.data(), end.size(), MSG_NOSIGNAL) == 4);
}

// Waits until something can be read, without reading it.
bool has_arrived(const Download& download) {
  return testing::eventually([&] {
    int bytes = 0;
    REQUIRE(::ioctl(download.fd().get(), FIONREAD, &bytes) == 0);
    return bytes > 0;
  });
}

// The numbers of the descriptors that are open.
std::vector<int> open_numbers() {
  std::vector<int> numbers;
  for (int number = 0; number < 256; ++number)
    if (::fcntl(number, F_GETFD) != -1) numbers.push_back(number);
  return numbers;
}

std::vector<Token> sorted(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace

TEST_CASE("wait() returns the token of the source that is ready, and no other") {
  Source a, b, c;
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  poll.registry().add(c.fd, 30);
  b.make_readable();
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("wait() returns all that are ready") {
  Source a, b, c;
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  poll.registry().add(c.fd, 30);
  a.make_readable();
  c.make_readable();
  CHECK(sorted(poll.wait()) == std::vector<Token>{10, 30});
}

TEST_CASE("a source is reported once for each arrival, not for as long as it is readable") {
  Source a, b;
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  a.make_readable();
  CHECK(poll.wait() == std::vector<Token>{10});
  b.make_readable();  // and a still is
  CHECK(poll.wait() == std::vector<Token>{20});
  a.make_readable();  // and was: something new has arrived all the same
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("what was there before a source is registered is reported too") {
  Source a;
  a.make_readable();
  Poll poll;
  poll.registry().add(a.fd, 10);
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE(
    "a token comes back as it was given, all 64 bits of it (the book's issue 5: the layout of "
    "epoll_event)") {
  Source a, b;
  Poll poll;
  Token all_bits = 0x0123'4567'89ab'cdef;
  poll.registry().add(a.fd, all_bits);
  poll.registry().add(b.fd, ~all_bits);
  a.make_readable();
  b.make_readable();
  CHECK(sorted(poll.wait()) == sorted({all_bits, ~all_bits}));
}

TEST_CASE("more sources than one batch holds are all reported, none twice") {
  std::vector<Source> sources(300);
  Poll poll;
  std::vector<Token> expected, reported;
  for (Token token = 0; token < sources.size(); ++token) {
    poll.registry().add(sources[token].fd, token);
    sources[token].make_readable();
    expected.push_back(token);
  }
  while (reported.size() < expected.size())
    for (Token token : poll.wait()) reported.push_back(token);
  CHECK(sorted(reported) == expected);
}

TEST_CASE("a source that was removed is not reported any more, and the others are") {
  Source a, b;
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  a.make_readable();
  b.make_readable();
  poll.registry().remove(a.fd);
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("a source may be registered by another thread while one waits") {
  Source a;
  Poll poll;
  std::future<void> other = std::async(std::launch::async, [&] {
    poll.registry().add(a.fd, 10);
    a.make_readable();
  });
  CHECK(poll.wait() == std::vector<Token>{10});
  other.get();
}

TEST_CASE("a signal does not end wait() (pistache issue 565: EINTR ended the event loop)") {
  Source a, b;
  Poll poll;
  poll.registry().add(a.fd, 10);
  poll.registry().add(b.fd, 20);
  Faults faults("epoll_wait*:every:EINTR");
  a.make_readable();
  CHECK(poll.wait() == std::vector<Token>{10});
  b.make_readable();
  CHECK(poll.wait() == std::vector<Token>{20});
}

TEST_CASE("a failed epoll_wait() is an error, not a number of events (PhotonLibOS issue 1277)") {
  Source a;
  Poll poll;
  poll.registry().add(a.fd, 10);
  a.make_readable();
  Faults faults("epoll_wait*:1:EBADF");
  CHECK_THROWS_WITH_AS(poll.wait(), doctest::Contains(": Bad file descriptor"), std::system_error);
}

TEST_CASE("a registration that fails is an error, not a wait for ever") {
  Source a;
  Poll poll;
  poll.registry().add(a.fd, 10);
  CHECK_THROWS_WITH_AS(poll.registry().add(a.fd, 20), "epoll_ctl: File exists", std::system_error);
  poll.registry().remove(a.fd);
  CHECK_THROWS_WITH_AS(poll.registry().remove(a.fd), "epoll_ctl: No such file or directory",
                       std::system_error);
  Faults faults("epoll_ctl:1:ENOSPC");
  CHECK_THROWS_WITH_AS(poll.registry().add(a.fd, 10), "epoll_ctl: No space left on device",
                       std::system_error);
}

TEST_CASE("a queue owns one descriptor, and gives it back") {
  Source a;
  std::size_t before = testing::open_descriptors();
  {
    Poll poll;
    poll.registry().add(a.fd, 10);
    a.make_readable();
    (void)poll.wait();
    poll.registry().remove(a.fd);
    CHECK(testing::open_descriptors() == before + 1);
  }
  CHECK(testing::open_descriptors() == before);
  Faults faults("epoll_create1*:1:EMFILE");
  CHECK_THROWS_WITH_AS(Poll(), doctest::Contains("epoll_create"), std::system_error);
}

TEST_CASE("a queue does not leak into programs that we start") {
  std::vector<int> before = open_numbers();
  Poll poll;
  std::size_t ours = 0;
  for (int number : open_numbers()) {
    if (std::binary_search(before.begin(), before.end(), number)) continue;
    ++ours;
    bool closed_by_exec = (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0;
    CHECK(closed_by_exec);
  }
  CHECK(ours > 0);
}

TEST_CASE("the end of a stream is reported like bytes that have arrived") {
  Peer peer([](net::TcpStream) {});
  net::TcpStream stream = net::TcpStream::connect(peer.address());
  Poll poll;
  poll.registry().add(stream.fd(), 10);
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("a hang-up alone is reported, too") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  net::Fd reader(ends[0]), writer(ends[1]);
  Poll poll;
  poll.registry().add(reader, 10);
  writer.close();  // nothing to read, and nobody who could write
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("wait() blocks until something is ready, however long that takes") {
  Source a;
  Poll poll;
  poll.registry().add(a.fd, 10);
  a.make_readable();
  Faults faults("epoll_wait*:every:ETIME");  // a limit, if there is one, passes twice before
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("a queue that has moved takes its registrations along, and leaves no way to them") {
  if constexpr (std::move_constructible<Poll>) {
    Source a, b;
    Poll before;
    before.registry().add(a.fd, 10);
    Poll poll(std::move(before));
    a.make_readable();
    CHECK(poll.wait() == std::vector<Token>{10});
    CHECK_THROWS_AS(before.registry().add(b.fd, 20), std::system_error);  // NOLINT: moved from
  }
}

TEST_CASE("handle_events() takes what has arrived, and does not wait for the rest") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npi");
    testing::read_request(stream);  // until the client is gone
  });
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "half", 0ms);
  downloads.emplace_back(server.address(), "whole", 0ms);
  REQUIRE(has_arrived(downloads[0]));
  REQUIRE(has_arrived(downloads[1]));
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  poll.registry().add(downloads[1].fd(), 1);
  CHECK(handle_events(poll, poll.wait(), downloads) == 1);
  CHECK_FALSE(downloads[0].done());
  CHECK(downloads[1].done());
}

TEST_CASE("handle_events() goes through the whole batch, and counts each that is complete") {
  Peer half([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npi");
    testing::read_request(stream);  // until the client is gone
  });
  Delayserver server;
  std::vector<Download> downloads;
  Poll poll;
  for (Token token = 0; token < 5; ++token) {
    downloads.emplace_back(token == 1 ? half.address() : server.address(),
                           "request-" + std::to_string(token), 0ms);
    poll.registry().add(downloads[token].fd(), token);
    REQUIRE(has_arrived(downloads[token]));
  }
  // Not the order of the vector; and 4, whose answer is here too, is none of this batch.
  CHECK(handle_events(poll, {3, 1, 0, 2}, downloads) == 3);
  for (Token token = 0; token < 5; ++token)
    CHECK(downloads[token].done() == (token != 1 && token != 4));
}

TEST_CASE("handle_events() makes nothing of an event behind which there is nothing") {
  Peer silent([](net::TcpStream stream) {
    testing::read_request(stream);
    testing::read_request(stream);  // until the client is gone
  });
  std::vector<Download> downloads;
  downloads.emplace_back(silent.address(), "request-0", 0ms);
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  CHECK(handle_events(poll, {0}, downloads) == 0);
  CHECK_FALSE(downloads[0].done());
  CHECK_THROWS_AS(poll.registry().add(downloads[0].fd(), 0), std::system_error);  // it still is
}

TEST_CASE("handle_events() is done with a download at the end of its answer, whatever comes then") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping");
  });
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  pollfd end{downloads[0].fd().get(), POLLRDHUP, 0};
  REQUIRE(::poll(&end, 1, -1) == 1);  // the answer is here, and the end of the stream behind it
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  CHECK(handle_events(poll, poll.wait(), downloads) == 1);
  CHECK(downloads[0].response().body == "ping");
}

TEST_CASE("handle_events() leaves alone what is not ready") {
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "request-0", 0ms);
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  REQUIRE(poll.wait() == std::vector<Token>{0});  // its answer is here
  CHECK(handle_events(poll, {}, downloads) == 0);
  CHECK_FALSE(downloads[0].done());
}

TEST_CASE("handle_events() takes all that has arrived, not one buffer of it (mio issue 845)") {
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "big?fill=30000", 0ms);
  // All of it is here, and no further byte will cause a further event.
  REQUIRE(testing::eventually([&] {
    int bytes = 0;
    REQUIRE(::ioctl(downloads[0].fd().get(), FIONREAD, &bytes) == 0);
    return bytes > 30000;
  }));
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  CHECK(handle_events(poll, poll.wait(), downloads) == 1);
  CHECK(downloads[0].done());
  CHECK(downloads[0].response().body.size() == 30000);
}

TEST_CASE("handle_events() does not count a download before it is complete") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npi");
    testing::read_request(stream);  // until we say so, or are gone
    stream.write_all("ng");
  });
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  CHECK(handle_events(poll, poll.wait(), downloads) == 0);
  nudge(downloads[0]);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads);
  CHECK(completed == 1);
  CHECK(downloads[0].response().body == "ping");
}

TEST_CASE(
    "the end of the stream of a complete download does not count again (the book's issue 4)") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping");
    testing::read_request(stream);  // until we say so, or are gone
  });
  std::vector<Download> downloads;
  downloads.emplace_back(peer.address(), "request-0", 0ms);
  Poll poll;
  poll.registry().add(downloads[0].fd(), 0);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads);
  CHECK(completed == 1);

  nudge(downloads[0]);
  pollfd end{downloads[0].fd().get(), POLLIN, 0};
  REQUIRE(::poll(&end, 1, -1) == 1);  // the end of the stream is here
  Source other;
  poll.registry().add(other.fd, 1);
  other.make_readable();
  CHECK(poll.wait() == std::vector<Token>{1});
}

TEST_CASE("the program has all five requests in flight at once, and sleeps between the answers") {
  testing::check_all_in_flight(STAGE_PROGRAM);
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.answered().size() == 5);
  // An answer may come in two pieces, its head and its body; nothing asks more often than that.
  CHECK(counted.calls["epoll_wait*"] <= 10);
  CHECK(counted.calls["recv*"] <= 20);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
