// The suite of ch07/a-coroutine. What a Download does by itself (connecting, a request that is sent
// in parts, IPv6) is checked by the suite of ch04/x-nonblocking-connect.

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "future.hpp"
#include "http.hpp"
#include "http/response_parser.hpp"
#include "net/tcp_listener.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"
#include "two_requests.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Faults;

namespace {

// Polls it until it is ready.
template <IsFuture F>
typename F::Output result_of(F& future) {
  PollState<typename F::Output> result;
  bool ready = testing::eventually([&] {
    result = future.poll();
    return result.has_value();
  });
  REQUIRE(ready);
  return *result;
}

// A future that is over says so at every poll(), and begins nothing anew.
template <IsFuture F>
void check_over(F& future) {
  std::size_t sockets = testing::calls("socket");
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS((void)future.poll(), std::logic_error);
  CHECK(testing::calls("socket") == sockets);
}

bool has_event(const net::Fd& fd, short event) {
  pollfd one{fd.get(), event, 0};
  return ::poll(&one, 1, 0) == 1;
}

// The port at one side of a connection (getsockname: ours, getpeername: theirs), or 0.
std::uint16_t port(int socket, int (*side)(int, sockaddr*, socklen_t*)) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  int result = side(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return result == 0 && address.sin_family == AF_INET ? address.sin_port : 0;
}

std::string answer_with(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The server's end of a connection whose request has come.
struct Request {
  net::TcpStream stream;
  std::string path;

  // How many bytes have arrived at the client's end, and were not read there. (That end is in this
  // process: it is the socket whose own port is our other one.)
  [[nodiscard]] int unread() const {
    std::uint16_t theirs = port(stream.fd().get(), ::getpeername);
    int bytes = 0;
    for (int number = 0; number < 256; ++number)
      if (theirs != 0 && port(number, ::getsockname) == theirs)
        REQUIRE(::ioctl(number, FIONREAD, &bytes) == 0);
    return bytes;
  }
  // Sends this, and returns when it has arrived.
  void send(const std::string& bytes) {
    int more = unread() + static_cast<int>(bytes.size());
    stream.write_all(bytes);
    REQUIRE(testing::eventually([&] { return unread() >= more; }));
  }
  // The client's end is closed.
  [[nodiscard]] bool ends() const {
    return testing::eventually([&] { return has_event(stream.fd(), POLLRDHUP); });
  }
};

// A server on this thread: between two polls of a future nothing happens there but what the case
// does.
class Server {
 public:
  [[nodiscard]] net::Address address() const { return listener_.address(); }
  // A connection waits to be accepted.
  [[nodiscard]] bool somebody_waits() const { return has_event(listener_.fd(), POLLIN); }
  // Polls the future, which cannot be ready, until its next request has come.
  template <IsFuture F>
  Request next_request(F& future) {
    std::optional<net::TcpStream> stream;
    std::string text;
    std::array<char, 4096> buffer;
    bool has_come = testing::eventually([&] {
      REQUIRE_FALSE(future.poll().has_value());
      if (!stream) stream = listener_.accept();
      while (stream && has_event(stream->fd(), POLLIN)) {
        std::size_t count = stream->read(buffer).value();
        REQUIRE(count > 0);
        text.append(buffer.data(), count);
      }
      return text.find("\r\n\r\n") != std::string::npos;
    });
    REQUIRE(has_come);
    REQUIRE_FALSE(future.poll().has_value());  // too early, and not the poll() that sent it
    REQUIRE(text.starts_with("GET "));
    return {std::move(*stream), text.substr(4, text.find(" HTTP/") - 4)};
  }

 private:
  net::TcpListener listener_ = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
};

}  // namespace

TEST_CASE("an HttpGet does nothing before its first poll(), which connects") {
  Server server;
  std::size_t sockets = testing::calls("socket"), descriptors = testing::open_descriptors();
  HttpGet future = get(server.address(), "hello", 20ms);
  CHECK(testing::calls("socket") == sockets);
  CHECK(testing::open_descriptors() == descriptors);
  CHECK_FALSE(server.somebody_waits());
  CHECK_FALSE(future.poll().has_value());
  CHECK(testing::calls("socket") == sockets + 1);
  CHECK(testing::eventually([&] { return server.somebody_waits(); }));
}

TEST_CASE("an HttpGet asks for its path, and its result is the body of the answer") {
  Server server;
  HttpGet future = get(server.address(), "hello", 20ms);
  Request request = server.next_request(future);
  CHECK(request.path == "/20/hello");
  request.send(answer_with("how are you?"));
  CHECK(future.poll() == "how are you?");
}

TEST_CASE("an answer may be empty, or say that there is nothing: its body is the result") {
  Server server;
  HttpGet empty = get(server.address(), "hello", 20ms);
  server.next_request(empty).send(answer_with(""));
  CHECK(result_of(empty) == "");
  HttpGet missing = get(server.address(), "hello", 20ms);
  server.next_request(missing).send("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing");
  CHECK(result_of(missing) == "nothing");
  TwoRequests both = two_requests(server.address(), 20ms);
  server.next_request(both).send(answer_with(""));
  Request second = server.next_request(both);
  CHECK(second.path == "/20/-b");
  second.send(answer_with(""));
  CHECK(result_of(both) == "");
}

TEST_CASE("poll() does not wait for an answer: \"not yet\" leaves time for others") {
  Server silent;
  HttpGet patient = get(silent.address(), "patient", 20ms);
  Request request = silent.next_request(patient);
  for (int i = 0; i < 100; ++i) REQUIRE_FALSE(patient.poll().has_value());
  Delayserver server;
  HttpGet other = get(server.address(), "other", 0ms);
  CHECK(result_of(other) == "other");
  CHECK_FALSE(patient.poll().has_value());
  request.send(answer_with("patient"));
  CHECK(patient.poll() == "patient");
}

TEST_CASE("an answer may come byte by byte: each poll() takes what is there") {
  Server server;
  HttpGet future = get(server.address(), "ping", 0ms);
  Request request = server.next_request(future);
  PollState<std::string> result;
  for (char byte : answer_with("ping")) {
    REQUIRE_FALSE(result.has_value());
    request.send(std::string(1, byte));
    result = future.poll();
    CHECK(request.unread() == 0);
  }
  CHECK(result == "ping");
}

TEST_CASE("one poll() takes all that has arrived, not one buffer of it") {
  Server server;
  HttpGet future = get(server.address(), "big", 0ms);
  Request request = server.next_request(future);
  request.send(answer_with(std::string(30'000, '.')));
  PollState<std::string> result = future.poll();
  REQUIRE(result.has_value());
  CHECK(result->size() == 30'000);
}

TEST_CASE("signals and single bytes change nothing in the result of an HttpGet") {
  Delayserver server;
  for (std::string plan : {"read*:every:EINTR write*:every:EINTR", "read*:short write*:short"}) {
    CAPTURE(plan);
    Faults faults(plan);
    HttpGet future = get(server.address(), "hello", 0ms);
    CHECK(result_of(future) == "hello");
  }
}

TEST_CASE("an HttpGet that was ready is over: to poll it again is a std::logic_error") {
  Delayserver server;
  HttpGet future = get(server.address(), "hello", 0ms);
  REQUIRE(result_of(future) == "hello");
  check_over(future);
  CHECK(server.stats().served == 1);
}

TEST_CASE("what goes wrong is thrown by poll(), and then the HttpGet is over") {
  {
    HttpGet future = get(testing::nobody(), "hello", 0ms);
    REQUIRE_THROWS_WITH_AS(result_of(future), "connect: Connection refused", std::system_error);
    check_over(future);
  }
  {
    Server server;
    HttpGet future = get(server.address(), "hello", 0ms);
    {
      Faults faults("socket:1:EMFILE");
      REQUIRE_THROWS_WITH_AS((void)future.poll(), "socket: Too many open files", std::system_error);
    }
    check_over(future);
  }
  for (std::string said : {"", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "hello\r\n"}) {
    CAPTURE(said);
    testing::Peer peer([&](net::TcpStream stream) {
      testing::read_request(stream);
      testing::say_and_close(stream, said);
    });
    HttpGet future = get(peer.address(), "hello", 0ms);
    REQUIRE_THROWS_AS(result_of(future), http::ParseError);
    check_over(future);
  }
}

TEST_CASE("an HttpGet closes its connection when it is ready, not when it is destroyed") {
  Server server;
  std::size_t descriptors = testing::open_descriptors();
  HttpGet future = get(server.address(), "hello", 0ms);
  Request request = server.next_request(future);
  request.send(answer_with("hello"));
  REQUIRE(future.poll() == "hello");
  REQUIRE(request.ends());
  CHECK(testing::open_descriptors() == descriptors + 1);  // the server's end
}

TEST_CASE("to destroy an HttpGet in flight is to cancel it: its connection is closed") {
  Server server;
  std::optional<HttpGet> future = get(server.address(), "hello", 0ms);
  Request request = server.next_request(*future);
  std::size_t descriptors = testing::open_descriptors();
  future.reset();
  REQUIRE(request.ends());
  CHECK(testing::open_descriptors() == descriptors - 1);
}

TEST_CASE("an HttpGet may move before its first poll() and between two, and goes on") {
  Server server;
  std::size_t sockets = testing::calls("socket");
  HttpGet first = get(server.address(), "hello", 0ms);
  HttpGet second = std::move(first);
  Request request = server.next_request(second);
  HttpGet third = std::move(second);
  REQUIRE_FALSE(third.poll().has_value());
  request.send(answer_with("hello"));
  CHECK(third.poll() == "hello");
  CHECK(testing::calls("socket") == sockets + 1);
}

TEST_CASE("a TwoRequests does nothing before its first poll(), which begins the first request") {
  Server server;
  std::size_t sockets = testing::calls("socket");
  TwoRequests future = two_requests(server.address(), 20ms);
  CHECK(testing::calls("socket") == sockets);
  CHECK_FALSE(server.somebody_waits());
  CHECK_FALSE(future.poll().has_value());
  CHECK(testing::calls("socket") == sockets + 1);
  CHECK(testing::eventually([&] { return server.somebody_waits(); }));
}

TEST_CASE("the second request is made from the first answer, and its own answer is the result") {
  Server server;
  TwoRequests future = two_requests(server.address(), 20ms);
  Request first = server.next_request(future);
  CHECK(first.path == "/40/request-0");
  first.send(answer_with("other"));
  Request second = server.next_request(future);
  CHECK(second.path == "/20/other-b");
  second.send(answer_with("the-end"));
  CHECK(future.poll() == "the-end");
}

TEST_CASE("the second request waits until the first answer is complete") {
  Server server;
  std::size_t sockets = testing::calls("socket");
  TwoRequests future = two_requests(server.address(), 20ms);
  Request first = server.next_request(future);
  std::string answer = answer_with("other");
  first.send(answer.substr(0, answer.size() - 1));
  for (int i = 0; i < 10; ++i) REQUIRE_FALSE(future.poll().has_value());
  CHECK(testing::calls("socket") == sockets + 1);
  CHECK_FALSE(server.somebody_waits());
  first.send(answer.substr(answer.size() - 1));
  Request second = server.next_request(future);
  CHECK(second.path == "/20/other-b");
  for (int i = 0; i < 10; ++i) REQUIRE_FALSE(future.poll().has_value());
  CHECK(testing::calls("socket") == sockets + 2);
}

TEST_CASE("the poll() that gets the first answer goes on, and begins the second request") {
  Server server;
  TwoRequests future = two_requests(server.address(), 20ms);
  Request first = server.next_request(future);
  first.send(answer_with("request-0"));
  std::size_t sockets = testing::calls("socket");
  CHECK_FALSE(future.poll().has_value());
  CHECK(testing::calls("socket") == sockets + 1);
  CHECK(testing::eventually([&] { return server.somebody_waits(); }));
}

TEST_CASE("an error of the first or the second request leaves poll(), and then all is over") {
  for (const char* plan : {"socket:1:EMFILE", "socket:2:EMFILE"}) {  // … at its first step
    CAPTURE(plan);
    Delayserver server;
    TwoRequests future = two_requests(server.address(), 0ms);
    {
      Faults faults(plan);
      REQUIRE_THROWS_AS(result_of(future), std::system_error);
    }
    check_over(future);
  }
  for (bool in_the_first : {true, false}) {
    CAPTURE(in_the_first);
    Server server;
    std::size_t sockets = testing::calls("socket");
    TwoRequests future = two_requests(server.address(), 20ms);
    {
      Request request = server.next_request(future);
      if (!in_the_first) {
        request.send(answer_with("request-0"));
        request = server.next_request(future);
      }
    }  // the server closes the connection, and has not answered
    REQUIRE_THROWS_AS(result_of(future), http::ParseError);
    check_over(future);
    CHECK(testing::calls("socket") == sockets + (in_the_first ? 1 : 2));
  }
}

TEST_CASE("a TwoRequests that was ready is over: to poll it again is a std::logic_error") {
  Delayserver server;
  TwoRequests future = two_requests(server.address(), 1ms);
  REQUIRE(result_of(future) == "request-0-b");
  check_over(future);
  CHECK(server.answered_messages() == std::vector<std::string>{"request-0", "request-0-b"});
  CHECK(server.stats().peak_in_flight == 1);
}

TEST_CASE("a TwoRequests leaves nothing open when it is destroyed, wherever it stands") {
  for (int requests : {0, 1, 2}) {
    CAPTURE(requests);
    Server server;
    std::vector<Request> made;
    std::optional<TwoRequests> future = two_requests(server.address(), 20ms);
    std::size_t descriptors = testing::open_descriptors();
    for (int i = 0; i < requests; ++i) {
      if (i > 0) made.back().send(answer_with("request-0"));
      made.push_back(server.next_request(*future));
    }
    future.reset();
    for (const Request& one : made) REQUIRE(one.ends());
    CHECK(testing::open_descriptors() == descriptors + made.size());  // the server's ends
  }
}

TEST_CASE("a TwoRequests may move between two polls, and goes on") {
  Server server;
  TwoRequests start = two_requests(server.address(), 20ms);
  TwoRequests wait1 = std::move(start);
  Request first = server.next_request(wait1);
  TwoRequests still_wait1 = std::move(wait1);
  REQUIRE_FALSE(still_wait1.poll().has_value());
  first.send(answer_with("request-0"));
  Request second = server.next_request(still_wait1);
  TwoRequests wait2 = std::move(still_wait1);
  REQUIRE_FALSE(wait2.poll().has_value());
  second.send(answer_with("the-end"));
  CHECK(wait2.poll() == "the-end");
}

TEST_CASE("the program makes one request after the other, and asks until it has the result") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  REQUIRE(counted.result.exit.describe() == "exit status 0");
  std::vector<delay::Exchange> answered = server.answered();
  REQUIRE(answered.size() == 2);
  CHECK(server.answered_messages() == std::vector<std::string>{"request-0", "request-0-b"});
  CHECK(answered[0].delay == 40ms);
  CHECK(answered[1].delay == 20ms);
  CHECK(server.stats().peak_in_flight == 1);
  // It sleeps once between two polls.
  std::size_t polls = counted.calls["nanosleep"] + 1;
  std::string line = "the result after " + std::to_string(polls) + " polls: request-0-b\n";
  CHECK(counted.result.out.find(line) != std::string::npos);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "nanosleep", 2)
