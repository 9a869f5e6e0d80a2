// The suite of ch04/x-asio.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <string>
#include <system_error>
#include <vector>

#include "download.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;

TEST_CASE("nothing is sent before somebody runs the loop") {
  Delayserver server;
  asio::io_context context(1);
  Download download(context, server.address(), "hello", 0ms);
  CHECK(server.stats().served == 0);
  CHECK_FALSE(download.done());
  context.run();
  CHECK(download.response().body == "hello");
  CHECK(server.stats().served == 1);
}

TEST_CASE("an answer is taken whole, however many buffers it fills (mio issue 845)") {
  Delayserver server;
  asio::io_context context(1);
  Download download(context, server.address(), "big?fill=30000", 0ms);
  context.run();
  REQUIRE(download.done());
  CHECK(download.response().body.size() == 30000);
}

TEST_CASE("an answer in single bytes is put together, and nobody waits for it alone") {
  Delayserver server;
  asio::io_context context(1);
  Download slow(context, server.address(), "in-single-bytes?chunk=1&gap=1", 0ms);
  Download quick(context, server.address(), "whole", 0ms);
  while (!quick.done()) REQUIRE(context.run_one() == 1);
  CHECK_FALSE(slow.done());
  context.run();
  CHECK(slow.response().body == "in-single-bytes");
}

TEST_CASE("a read is answered by exactly one callback, and a complete answer asks for none") {
  Delayserver server;  // closes after its answer: that is one more event, but nobody's callback
  asio::io_context context(1);
  Download download(context, server.address(), "hello", 0ms);
  // connect, send, and one read or two: the server may send the head and the body in two pieces.
  std::size_t callbacks = context.run();
  CHECK(callbacks >= 3);
  CHECK(callbacks <= 4);
  context.restart();
  CHECK(context.run() == 0);
}

TEST_CASE("what a callback throws comes out of run(), and all is given back") {
  Peer silent([](net::TcpStream stream) { testing::read_request(stream); });
  Delayserver server;
  std::size_t before = testing::open_descriptors();
  {
    asio::io_context context(1);
    std::deque<Download> downloads;
    downloads.emplace_back(context, silent.address(), "no-answer", 0ms);
    downloads.emplace_back(context, server.address(), "much-later", 60s);
    CHECK_THROWS_AS(context.run(), http::ParseError);
    CHECK_FALSE(downloads[1].done());
  }  // the second still waits for its read: no callback may come, and nothing may leak
  // The servers of this case live in the same process, and need a moment to notice.
  CHECK(testing::eventually([&] { return testing::open_descriptors() == before; }));
}

TEST_CASE("an error of the system compares with std::errc, and has the operation's name") {
  asio::io_context context(1);
  Download download(context, testing::nobody(), "nobody", 0ms);
  try {
    context.run();
    FAIL("it should have thrown");
  } catch (const std::system_error& error) {
    bool is_refused = error.code() == std::errc::connection_refused;
    CHECK(is_refused);
    CHECK(std::string(error.what()) == "connect: Connection refused");
  }
}

TEST_CASE("a request is sent whole, also where the kernel has no room for all of it") {
  Peer peer([](net::TcpStream stream) {
    std::size_t size = 0;
    std::string end;
    for (std::array<char, 65536> buffer; end != "\r\n\r\n";) {
      std::size_t count = stream.read(buffer).value();
      size += count;
      end.append(buffer.data(), count);
      end.erase(0, end.size() - std::min<std::size_t>(end.size(), 4));
    }
    std::string body = std::to_string(size);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                     "\r\n\r\n" + body);
  });
  asio::io_context context(1);
  std::string name(16'000'000, 'x');  // more than the buffers of both ends
  Download download(context, peer.address(), name, 0ms);
  context.run();
  CHECK(download.response().body ==
        std::to_string(http::get_request("/0/" + name, peer.address().to_string()).size()));
}

TEST_CASE("the program has all five requests in flight at once, and sleeps between the answers") {
  Delayserver server;
  testing::CountedResult counted = testing::counted_run(
      STAGE_PROGRAM, {"--server", server.address().to_string(), "--unit-ms", "100"});
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 5);
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-4", "request-3", "request-2", "request-1", "request-0"});
  // At most five connections that come one by one, five answers in two pieces each, and a look at
  // the queue beside each of the callbacks.
  CHECK(counted.calls["epoll_wait"] <= 35);
  CHECK(counted.calls["recv"] <= 25);
}

// No "recv:short" here: Asio takes a read that fills only a part of the buffer as proof that
// nothing is left, as epoll(7) allows, and a call that was cut short by us would make it wait for
// ever.
TEST_CASE("the program does not mind signals") {
  testing::check_faults(STAGE_PROGRAM, {"recv:every:EINTR", "send:every:EINTR", "write:every:EINTR",
                                        "epoll_wait:every:EINTR", "write:short"});
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_error_reports(STAGE_PROGRAM, "recv");
}

TEST_CASE("the program records its requests in a trace") { testing::check_trace(STAGE_PROGRAM); }
