// The suite of ch03/f-poll.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <thread>
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

// Waits until something can be read, without reading it.
bool has_arrived(const Download& download) {
  return testing::eventually([&] {
    int bytes = 0;
    REQUIRE(::ioctl(download.fd().get(), FIONREAD, &bytes) == 0);
    return bytes > 0;
  });
}

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

TEST_CASE("a signal does not end wait() (pistache issue 565: EINTR ended the event loop)") {
  Source a;
  Poll poll;
  poll.add(a.fd, 10);
  a.make_readable();
  Faults faults("poll:every:EINTR");
  CHECK(poll.wait() == std::vector<Token>{10});
  CHECK(poll.wait() == std::vector<Token>{10});
}

TEST_CASE("an error of poll() is thrown, and carries its name") {
  Source a;
  Poll poll;
  poll.add(a.fd, 10);
  Faults faults("poll:1:ENOMEM");
  CHECK_THROWS_WITH_AS(poll.wait(), "poll: Cannot allocate memory", std::system_error);
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

TEST_CASE("wait() blocks until something is ready, however long that takes") {
  Source a;
  Poll poll;
  poll.add(a.fd, 10);
  std::future<void> later = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(300ms);  // longer than a timeout that somebody might think of
    a.make_readable();
  });
  CHECK(poll.wait() == std::vector<Token>{10});
  later.get();
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
  b.make_readable();
  (void)poll.wait();
  (void)poll.wait();
  CHECK(poll.entries_scanned() == 6);
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
  poll.add(downloads[0].fd(), 0);
  poll.add(downloads[1].fd(), 1);
  CHECK(handle_events(poll, poll.wait(), downloads) == 1);
  CHECK_FALSE(downloads[0].done());
  CHECK(downloads[1].done());
}

TEST_CASE("handle_events() leaves alone what is not ready") {
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "request-0", 0ms);
  Poll poll;
  poll.add(downloads[0].fd(), 0);
  REQUIRE(poll.wait() == std::vector<Token>{0});  // its answer is here
  CHECK(handle_events(poll, {}, downloads) == 0);
  CHECK_FALSE(downloads[0].done());
}

TEST_CASE("handle_events() counts a download when it is complete, and then forgets it") {
  Delayserver server;
  std::vector<Download> downloads;
  downloads.emplace_back(server.address(), "slow", 100ms);
  downloads.emplace_back(server.address(), "quick", 0ms);
  Poll poll;
  poll.add(downloads[0].fd(), 0);
  poll.add(downloads[1].fd(), 1);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(poll, poll.wait(), downloads);
  CHECK(completed == 1);
  CHECK(downloads[1].done());
  CHECK_FALSE(downloads[0].done());
  // The end of the quick one's stream is still there to be read. If it were not forgotten, this
  // would go round and round for it until the slow one is complete.
  std::size_t waits = 0;
  for (completed = 0; completed == 0; ++waits)
    completed = handle_events(poll, poll.wait(), downloads);
  CHECK(completed == 1);
  CHECK(downloads[0].done());
  CHECK(waits <= 2);
}

TEST_CASE("the program has all five requests in flight at once, and sleeps between the answers") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 5);
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-4", "request-3", "request-2", "request-1", "request-0"});
  // An answer may come in two pieces, its head and its body; nothing asks more often than that.
  CHECK(counted.calls["poll"] + counted.calls["ppoll"] <= 10);
  CHECK(counted.calls["read"] + counted.calls["recv"] <= 20);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "poll")
