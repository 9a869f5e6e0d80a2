// The suite of ch04/x-io-uring. Where the kernel, a container or an emulator offers no io_uring,
// most of its cases say so and check nothing; what the stage does in such a place is checked
// everywhere.

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "download.hpp"
#include "handle_events.hpp"
#include "ring.hpp"
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

// For the beginning of a case that needs it.
bool has_io_uring() {
  static const std::string why_not = [] {
    try {
      Ring ring(1);
      return std::string();
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
  }();
  if (!why_not.empty()) MESSAGE("skipped: ", why_not);
  return why_not.empty();
}

// Two ends of a stream, and a buffer for what arrives at the near one.
struct Stream {
  Stream() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    near = net::Fd(ends[0]);
    far = net::Fd(ends[1]);
  }
  void arrive(std::string_view bytes) const {
    REQUIRE(::send(far.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string received(int count) const {
    return {buffer.data(), static_cast<std::size_t>(count)};
  }
  // What nobody has taken yet.
  [[nodiscard]] int unread() const {
    int bytes = 0;
    REQUIRE(::ioctl(near.get(), FIONREAD, &bytes) == 0);
    return bytes;
  }
  net::Fd near, far;
  std::array<char, 64> buffer{};
};

std::vector<Token> sorted_tokens(const std::vector<Completion>& completions) {
  std::vector<Token> tokens;
  for (const Completion& completion : completions) tokens.push_back(completion.token);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// The pieces of memory that this process shares with a ring.
std::size_t ring_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);)
    if (line.find("io_uring") != std::string::npos) ++count;
  return count;
}

}  // namespace

TEST_CASE("a completion says which operation it was, and how much is in its buffer") {
  if (!has_io_uring()) return;
  Stream a, b;
  Ring ring(8);
  ring.recv(a.near, a.buffer, 10);
  ring.recv(b.near, b.buffer, 20);
  b.arrive("hello");
  std::vector<Completion> completions = ring.wait();
  REQUIRE(completions.size() == 1);
  CHECK(completions[0].token == 20);
  REQUIRE(completions[0].result == 5);
  CHECK(b.received(5) == "hello");
  CHECK(b.unread() == 0);
}

TEST_CASE("a token comes back as it was given, all 64 bits of it") {
  if (!has_io_uring()) return;
  Stream a;
  Ring ring(8);
  Token all_bits = 0x0123'4567'89ab'cdef;
  ring.recv(a.near, a.buffer, all_bits);
  a.arrive("x");
  CHECK(ring.wait().at(0).token == all_bits);
}

TEST_CASE("one call submits all operations and waits for the first") {
  if (!has_io_uring()) return;
  Stream a, b, c;
  Ring ring(8);
  ring.recv(a.near, a.buffer, 10);
  ring.recv(b.near, b.buffer, 20);
  ring.recv(c.near, c.buffer, 30);
  CHECK(ring.calls() == 0);
  b.arrive("hello");
  (void)ring.wait();
  CHECK(ring.calls() == 1);
}

TEST_CASE("an operation completes exactly once: what arrives later stays in the socket") {
  if (!has_io_uring()) return;
  Stream a, b;
  Ring ring(8);
  ring.recv(a.near, a.buffer, 10);
  a.arrive("first");
  REQUIRE(ring.wait().at(0).result == 5);
  a.arrive("second");
  ring.recv(b.near, b.buffer, 20);
  b.arrive("other");
  CHECK(sorted_tokens(ring.wait()) == std::vector<Token>{20});
  CHECK(a.unread() == 6);
  ring.recv(a.near, a.buffer, 10);
  REQUIRE(ring.wait().at(0).result == 6);
  CHECK(a.received(6) == "second");
}

TEST_CASE("an operation takes what its buffer holds, and the next one the rest") {
  if (!has_io_uring()) return;
  Stream a;
  Ring ring(8);
  a.arrive(std::string(100, 'x'));
  ring.recv(a.near, a.buffer, 10);
  CHECK(ring.wait().at(0).result == 64);
  ring.recv(a.near, a.buffer, 10);
  CHECK(ring.wait().at(0).result == 36);
}

TEST_CASE("the end of a stream is a result of 0, and an error is a negative one") {
  if (!has_io_uring()) return;
  Stream a;
  std::array<char, 64> buffer{};
  net::Fd no_socket = net::Fd::checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open");
  Ring ring(8);
  ring.recv(a.near, a.buffer, 10);
  a.far.close();
  CHECK(ring.wait().at(0).result == 0);
  ring.recv(no_socket, buffer, 20);
  CHECK(ring.wait().at(0).result == -ENOTSOCK);
}

TEST_CASE("more operations than the submission ring holds are all submitted, none twice") {
  if (!has_io_uring()) return;
  for (unsigned entries : {1u, 2u, 3u}) {
    CAPTURE(entries);
    std::vector<Stream> streams(50);
    std::vector<Token> expected, completed;
    Ring ring(entries);
    for (Token token = 0; token < streams.size(); ++token) {
      ring.recv(streams[token].near, streams[token].buffer, token);
      expected.push_back(token);
    }
    for (const Stream& stream : streams) stream.arrive("x");
    while (completed.size() < expected.size())
      for (const Completion& completion : ring.wait()) {
        CHECK(completion.result == 1);
        completed.push_back(completion.token);
      }
    std::sort(completed.begin(), completed.end());
    CHECK(completed == expected);
  }
}

TEST_CASE("more completions than the completion ring holds are all reported, none twice") {
  if (!has_io_uring()) return;
  std::vector<Stream> streams(50);
  std::vector<Token> expected, completed;
  Ring ring(1);  // two completions have room
  for (const Stream& stream : streams) stream.arrive("x");
  for (Token token = 0; token < streams.size(); ++token) {
    // The bytes are there: it completes when it is submitted.
    ring.recv(streams[token].near, streams[token].buffer, token);
    expected.push_back(token);
  }
  while (completed.size() < expected.size())
    for (const Completion& completion : ring.wait()) completed.push_back(completion.token);
  std::sort(completed.begin(), completed.end());
  CHECK(completed == expected);
}

TEST_CASE("a kernel without room for completions (EBUSY) gets some, and takes the rest then") {
  if (!has_io_uring()) return;
  Stream a, b, c;
  for (const Stream* stream : {&a, &b, &c}) stream->arrive("x");
  Ring ring(1);
  Faults faults("io_uring_enter:2:EBUSY");
  ring.recv(a.near, a.buffer, 10);
  ring.recv(b.near, b.buffer, 20);  // submits a, which completes
  ring.recv(c.near, c.buffer, 30);  // submits b: EBUSY
  CHECK(sorted_tokens(ring.wait()) == std::vector<Token>{10, 20, 30});
}

TEST_CASE("a signal does not end wait() (pistache issue 565: EINTR ended the event loop)") {
  if (!has_io_uring()) return;
  Stream a, b;
  Ring ring(8);
  Faults faults("io_uring_enter:every:EINTR");
  ring.recv(a.near, a.buffer, 10);
  a.arrive("x");
  CHECK(sorted_tokens(ring.wait()) == std::vector<Token>{10});
  ring.recv(b.near, b.buffer, 20);
  b.arrive("x");
  CHECK(sorted_tokens(ring.wait()) == std::vector<Token>{20});
}

TEST_CASE(
    "a failed io_uring_enter() is an error, not a number of events (PhotonLibOS issue 1277)") {
  if (!has_io_uring()) return;
  Stream a;
  Ring ring(8);
  ring.recv(a.near, a.buffer, 10);
  for (const char* fault : {"EBADR", "EBUSY", "EAGAIN"}) {
    Faults faults("io_uring_enter:1:" + std::string(fault));
    CHECK_THROWS_AS((void)ring.wait(), std::system_error);
  }
  a.arrive("x");
  CHECK(ring.wait().at(0).token == 10);
}

TEST_CASE("a ring that ends takes its operations back: nothing is written into their buffers") {
  if (!has_io_uring()) return;
  Stream waiting, complete, unsubmitted;
  std::optional<Ring> ring(std::in_place, 8u);
  ring->recv(waiting.near, waiting.buffer, 10);
  ring->recv(complete.near, complete.buffer, 20);
  complete.arrive("x");
  REQUIRE(sorted_tokens(ring->wait()) == std::vector<Token>{20});
  ring->recv(unsubmitted.near, unsubmitted.buffer, 30);
  {
    Faults faults("io_uring_enter:every:EINTR");
    ring.reset();
  }
  for (Stream* stream : {&waiting, &unsubmitted}) {
    stream->arrive("too late");
    CHECK(stream->unread() == 8);
    CHECK(stream->buffer[0] == '\0');
    // An operation holds on to its socket. When none does, the other end sees that we are gone.
    stream->near.close();
    char byte = 0;
    CHECK(::recv(stream->far.get(), &byte, 1, MSG_DONTWAIT) != 1);
    CHECK(errno == ECONNRESET);
  }
}

TEST_CASE("a ring that ends has waited for all it takes back, however small it is") {
  if (!has_io_uring()) return;
  std::vector<Stream> streams(50);
  std::size_t calls = 0;
  {
    Ring ring(1);
    for (Token token = 0; token < streams.size(); ++token)
      ring.recv(streams[token].near, streams[token].buffer, token);
    calls = testing::calls("io_uring_enter");
  }
  // Closing takes them back, too, but later: without a call nobody can have waited for it.
  CHECK(testing::calls("io_uring_enter") > calls);
  for (Stream& stream : streams) {
    stream.near.close();
    char byte = 0;
    CHECK(::recv(stream.far.get(), &byte, 1, MSG_DONTWAIT) == 0);
  }
}

TEST_CASE("a ring gives back its descriptor and its memory") {
  if (!has_io_uring()) return;
  std::size_t descriptors = testing::open_descriptors();
  std::size_t mappings = ring_mappings();
  {
    Stream a;
    Ring ring(8);
    ring.recv(a.near, a.buffer, 10);
    a.arrive("x");
    (void)ring.wait();
    CHECK(testing::open_descriptors() == descriptors + 3);
    CHECK(ring_mappings() > mappings);
  }
  CHECK(testing::open_descriptors() == descriptors);
  CHECK(ring_mappings() == mappings);
}

TEST_CASE("where there is no io_uring, one line says so, and what to do") {
  auto message = [](const std::string& error) -> std::string {
    Faults faults("io_uring_setup:1:" + error);
    try {
      Ring ring(8);
    } catch (const std::system_error& thrown) {
      return thrown.what();
    }
    return "";
  };
  CHECK(message("EPERM") ==
        "no io_uring on this machine (containers often forbid it; see docs/running.md for what to "
        "do): io_uring_setup: Operation not permitted");
  CHECK(message("ENOSYS").find("Function not implemented") != std::string::npos);
  CHECK(message("ENOMEM").find("ulimit -l") != std::string::npos);
  CHECK(message("EMFILE") == "io_uring_setup: Too many open files");

  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()),
                                        "io_uring_setup:1:EPERM");
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(result.err.starts_with("no io_uring on this machine"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  // The same without a fault, where it is really so.
  if (has_io_uring()) return;
  result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(result.err.starts_with("no io_uring on this machine"));
}

TEST_CASE("handle_events() takes an answer of many buffers (mio issue 845)") {
  if (!has_io_uring()) return;
  Delayserver server;
  std::deque<Download> downloads;
  downloads.emplace_back(server.address(), "big?fill=30000", 0ms);
  Ring ring(8);
  ring.recv(downloads[0].fd(), downloads[0].buffer(), 0);
  std::size_t completed = 0;
  while (completed == 0) completed = handle_events(ring, ring.wait(), downloads);
  CHECK(completed == 1);
  CHECK(downloads[0].response().body.size() == 30000);
}

TEST_CASE("handle_events() puts an answer together from single bytes, and does not wait for it") {
  if (!has_io_uring()) return;
  Delayserver server;
  std::deque<Download> downloads;
  downloads.emplace_back(server.address(), "in-single-bytes?chunk=1&gap=1", 0ms);
  downloads.emplace_back(server.address(), "whole", 0ms);
  Ring ring(8);
  for (Token token = 0; token < 2; ++token)
    ring.recv(downloads[token].fd(), downloads[token].buffer(), token);
  while (!downloads[1].done()) (void)handle_events(ring, ring.wait(), downloads);
  CHECK_FALSE(downloads[0].done());
  while (!downloads[0].done()) (void)handle_events(ring, ring.wait(), downloads);
  CHECK(downloads[0].response().body == "in-single-bytes");
}

TEST_CASE("an operation that brought nothing is asked for again") {
  if (!has_io_uring()) return;
  Delayserver server;
  for (int result : {-EINTR, -EAGAIN}) {
    std::deque<Download> downloads;
    downloads.emplace_back(server.address(), "hello", 0ms);
    Ring ring(8);
    CHECK(handle_events(ring, {{0, result}}, downloads) == 0);
    CHECK_FALSE(downloads[0].done());
    while (!downloads[0].done()) (void)handle_events(ring, ring.wait(), downloads);
    CHECK(downloads[0].response().body == "hello");
  }
}

TEST_CASE(
    "the program has all five requests in flight at once, and reads with no call of its own") {
  if (!has_io_uring()) return;
  Delayserver server;
  testing::CountedResult counted = testing::counted_run(
      STAGE_PROGRAM, {"--server", server.address().to_string(), "--unit-ms", "100"});
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 5);
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-4", "request-3", "request-2", "request-1", "request-0"});
  // An answer may come in two pieces, its head and its body; nothing asks more often than that.
  CHECK(counted.calls["io_uring_enter"] <= 10);
  CHECK(counted.calls["read"] + counted.calls["recv"] + counted.calls["recvmsg"] == 0);
  CHECK(counted.calls["poll"] + counted.calls["epoll_wait"] == 0);
}

TEST_CASE("the program does not mind signals") {
  if (!has_io_uring()) return;
  testing::check_faults(STAGE_PROGRAM, {"io_uring_enter:every:EINTR", "send:every:EINTR",
                                        "write:every:EINTR", "send:short", "write:short"});
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  if (!has_io_uring()) return;
  testing::check_error_reports(STAGE_PROGRAM, "");
}

TEST_CASE("the program records its requests in a trace") {
  if (!has_io_uring()) return;
  testing::check_trace(STAGE_PROGRAM);
}
