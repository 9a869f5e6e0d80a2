// The delayserver: what it answers, what it puts up with, how it ends; as a library on a thread of
// this process, and as a program.

#include "testing/delayserver.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <nlohmann/json.hpp>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <fstream>
#include <map>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "delayserver/server.hpp"
#include "delayserver/surroundings.hpp"
#include "http/client.hpp"
#include "http/percent.hpp"
#include "http/response_parser.hpp"
#include "net/tcp_listener.hpp"
#include "net/tcp_stream.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

using namespace std::literals;
using testing::Delayserver;
using testing::eventually;

namespace {

#if defined(__has_feature)
constexpr bool ubsan = __has_feature(undefined_behavior_sanitizer);
#else
constexpr bool ubsan = false;
#endif

// ---- Clients

std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: suite\r\n" + headers + "\r\n";
}
const std::string close_header = "Connection: close\r\n";

// A connection that blocks, for at most testing::patience.
class Client {
 public:
  explicit Client(const net::Address& server) : stream_(net::TcpStream::connect(server)) {
    timeval patience{testing::patience.count(), 0};
    REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
  }

  void send(std::string_view bytes) { stream_.write_all(bytes); }

  // The next response. Throws http::ParseError where there is none, or half of one.
  http::Response receive(bool to_head = false) {
    http::ResponseParser parser;
    if (to_head) parser.answers_head();
    for (;;) {
      unread_.erase(0, parser.feed(unread_));
      if (parser.done()) return parser.take();
      if (read_more() == 0) {
        parser.finish();
        return parser.take();
      }
    }
  }
  http::Response ask(const std::string& path) {
    send(get(path));
    return receive();
  }
  // The head of a response that another one follows.
  std::string interim() {
    while (unread_.find("\r\n\r\n") == std::string::npos)
      if (read_more() == 0) break;
    std::size_t size = std::min(unread_.find("\r\n\r\n"), unread_.size() - 4) + 4;
    return std::exchange(unread_, unread_.substr(size)).substr(0, size);
  }
  // Everything until the server closes.
  std::string rest() {
    while (read_more() > 0) {
    }
    return std::exchange(unread_, {});
  }
  // The server resets the connection; closing it in good order is something else.
  bool is_reset() {
    try {
      rest();
      return false;
    } catch (const std::system_error& error) {
      return error.code() == std::errc::connection_reset;
    }
  }
  std::size_t read_more() {
    std::array<char, 65536> buffer;
    std::optional<std::size_t> count = stream_.read(buffer);
    if (!count) throw std::runtime_error("the server is silent");
    unread_.append(buffer.data(), *count);
    return *count;
  }

  // The kernel shall not read in our place all that the server has to say.
  void bound_buffer() {
    int size = 128 * 1024;
    REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0);
  }
  void close_our_side() { ::shutdown(fd(), SHUT_WR); }
  // Whether the server's kernel has all that was sent, though perhaps not the server.
  [[nodiscard]] bool all_has_arrived() const {
    int unacknowledged = 0;
    REQUIRE(::ioctl(fd(), SIOCOUTQ, &unacknowledged) == 0);
    return unacknowledged == 0;
  }
  void reset() {
    ::linger nothing{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &nothing, sizeof nothing);
    stream_ = net::TcpStream(net::Fd());
  }
  [[nodiscard]] int fd() const { return stream_.fd().get(); }

 private:
  net::TcpStream stream_;
  std::string unread_;
};

// A whole connection: these bytes, then what comes until the end.
std::string exchange(const net::Address& server, const std::string& bytes) {
  Client client(server);
  client.send(bytes);
  return client.rest();
}

std::string repeated(const std::string& text, std::size_t size) {
  std::string result = text;
  while (result.size() < size) result += result;
  result.resize(size);
  return result;
}

std::string body(const net::Address& server, const std::string& path) {
  return http::get("http://" + server.to_string() + path, testing::patience).body;
}

// Waits without looking at a clock: another server answers after that time.
class Later {
 public:
  void wait(std::chrono::milliseconds time) {
    REQUIRE(client_.ask("/" + std::to_string(time.count()) + "/x").status == 200);
  }

 private:
  Delayserver server_;
  Client client_{server_.address()};
};

// ---- Servers

delay::Clock::time_point due(const delay::Exchange& one) { return one.received + one.delay; }

// How many delayed requests have come so far.
template <class Server>
std::uint64_t arrived(const Server& server) {
  delay::Stats stats = server.stats();
  return stats.in_flight + stats.served + stats.errors;
}

// A server on a thread of its own, whose system calls fail as the plan says, and are counted.
class Watched {
 public:
  explicit Watched(const std::string& plan = "", delay::Options options = {})
      : server_([&] {
          options.address = net::Address::parse("127.0.0.1:0");
          return std::move(options);
        }()),
        thread_([this, plan] {
          testing::Faults faults(plan);
          try {
            server_.run();
          } catch (const std::exception& error) {
            failure_ = error.what();
          }
          epoll_waits_ = testing::calls("epoll_wait");
        }) {}
  ~Watched() { stop(); }

  [[nodiscard]] net::Address address() const { return server_.address(); }
  [[nodiscard]] delay::Stats stats() const { return server_.stats(); }
  void ask_to_stop() { server_.stop(); }
  // What ended run() too early; normally empty.
  std::string stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
    return failure_;
  }
  [[nodiscard]] std::size_t epoll_waits() const { return epoll_waits_; }  // after stop()

 private:
  std::string failure_;
  std::size_t epoll_waits_ = 0;
  delay::Server server_;
  std::thread thread_;
};

const std::vector<std::string> no_options;

// Stops the server in the middle of a turn, at a request with the message "hold", so that a case
// can decide what has come together by the next turn.
class Hold {
 public:
  delay::Options options() {
    delay::Options options;
    options.on_request = [this](const delay::Exchange& one) {
      if (one.message != "hold") return;
      reached_.release();
      released_.acquire();
    };
    return options;
  }
  void wait() { reached_.acquire(); }
  void release() { released_.release(); }

 private:
  std::binary_semaphore reached_{0}, released_{0};
};

// What /stats says. Not as JSON: comparing that in a CHECK takes the compiler seconds.
using Stats = std::map<std::string, std::size_t>;
Stats numbers(const std::string& text) {
  nlohmann::json json = nlohmann::json::parse(text);
  for (const nlohmann::json& number : json) REQUIRE(number.is_number_unsigned());  // nor a bool
  return json.get<Stats>();
}

// The program, on a free port of 127.0.0.1.
class Program {
 public:
  // `limit`: what the shell is told before it becomes the program.
  explicit Program(std::vector<std::string> options = {"--quiet"},
                   const std::string& path = DELAYSERVER_PROGRAM, const std::string& limit = "")
      : child_(command(std::move(options), path, limit)) {
    REQUIRE(child_.wait_for_output("(Ctrl-C stops it)\n", testing::patience));
    std::ifstream(port_file()) >> port_;
  }

  [[nodiscard]] net::Address address() const {
    return net::Address::parse("127.0.0.1:" + std::to_string(port_));
  }
  [[nodiscard]] std::filesystem::path port_file() const { return folder_.path() / "port"; }
  [[nodiscard]] Stats stats() const { return numbers(body(address(), "/stats")); }
  process::Child& child() { return child_; }
  process::Exit stop(int signal = SIGTERM) {
    child_.signal(signal);
    return child_.wait(testing::patience);
  }
  // How often it has made this system call, for the program with faults; after its end.
  [[nodiscard]] std::size_t calls(const std::string& wanted) const {
    std::ifstream file(folder_.path() / "calls");
    std::string name;
    for (std::size_t count = 0; file >> name >> count;)
      if (name == wanted) return count;
    throw std::runtime_error("no count of " + wanted);
  }

 private:
  process::Command command(std::vector<std::string> options, const std::string& path,
                           const std::string& limit) {
    for (const char* option : {"--port", "0", "--port-file"}) options.emplace_back(option);
    options.push_back(port_file());
    process::Command command = testing::program(path, std::move(options));
    command.environment = {{"COURSE_CALLS", folder_.path() / "calls"}};
    if (!limit.empty()) {
      std::string script = limit + "; exec \"$@\"";
      std::vector<std::string> shell = {"/bin/sh", "-c", script, "sh"};
      command.arguments.insert(command.arguments.begin(), shell.begin(), shell.end());
    }
    return command;
  }

  testing::TemporaryFolder folder_;
  process::Child child_;
  int port_ = 0;
};

bool refuses_connections(const net::Address& server) {
  try {
    Client client(server);
    return false;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::connection_refused;
  }
}

}  // namespace

// ---- What it answers

TEST_CASE("GET /{ms}/{message} answers the message, not before its delay has passed") {
  Delayserver server;
  CHECK(body(server.address(), "/40/hello") == "hello");
  std::vector<delay::Exchange> answered = server.answered();
  REQUIRE(answered.size() == 1);
  CHECK(answered[0].number == 1);
  CHECK(answered[0].message == "hello");
  CHECK(answered[0].delay == 40ms);
  CHECK(answered[0].answered - answered[0].received >= 40ms);
  CHECK_FALSE(answered[0].lost);
}

TEST_CASE("a message may hold any bytes, percent-encoded, slashes and nothing at all") {
  Delayserver server;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(body(server.address(), "/0/" + http::percent_encode(all)) == all);
  CHECK(body(server.address(), "/0/a/b//c+d") == "a/b//c+d");
  CHECK(body(server.address(), "/0/") == "");
  CHECK(server.answered_messages() == std::vector<std::string>{all, "a/b//c+d", ""});
}

TEST_CASE("messages up to 4096 bytes and delays up to 600000 ms are taken, and not one more") {
  Delayserver server;
  Client client(server.address());
  std::string longest(4096, '\xff');
  CHECK(client.ask("/0/" + http::percent_encode(longest)).body == longest);
  http::Response too_long = client.ask("/0/" + std::string(4097, 'x'));
  CHECK(too_long.status == 414);
  CHECK(too_long.body == "the message may have at most 4096 bytes\n");
  CHECK(client.ask("/600001/x").status == 400);
  CHECK(client.ask("/99999999999999999999/x").status == 400);
  client.send(get("/600000/x"));
  CHECK(eventually([&] { return server.stats().in_flight == 1; }));
  client.reset();
}

TEST_CASE("a connection serves many requests, one after the other") {
  Delayserver server;
  Client client(server.address());
  for (int i = 0; i < 20; ++i)
    CHECK(client.ask("/0/" + std::to_string(i)).body == std::to_string(i));
  CHECK(server.stats().connections == 1);
  CHECK(server.stats().served == 20);
}

TEST_CASE("pipelined requests are answered in their order, however short the later delays are") {
  Delayserver server;
  Client client(server.address());
  client.send(get("/60/slow") + get("/20/quick") + get("/0/now") + get("/stats"));
  CHECK(client.receive().body == "slow");
  CHECK(client.receive().body == "quick");
  CHECK(client.receive().body == "now");
  CHECK(client.receive().status == 200);
  CHECK(server.stats().peak_in_flight == 3);
}

TEST_CASE("the delay of a pipelined request counts from its own arrival") {
  Delayserver server;
  Client one(server.address()), other(server.address());
  one.send(get("/100/first") + get("/100/second"));
  CHECK(eventually([&] { return arrived(server) == 2; }));
  other.send(get("/150/third"));  // one delay after the other, "second" would come after 200 ms
  CHECK(other.receive().body == "third");
  CHECK(server.answered_messages() == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("answers begin in the order in which they are due") {
  Delayserver server;
  std::deque<Client> clients;
  for (int i = 0; i < 60; ++i) clients.emplace_back(server.address());
  for (int i = 0; i < 60; ++i) {
    std::string delay = std::to_string(40 + i * 37 % 60);
    clients[static_cast<std::size_t>(i)].send(get("/" + delay + "/" + std::to_string(i)));
  }
  for (int i = 0; i < 60; ++i)
    CHECK(clients[static_cast<std::size_t>(i)].receive().body == std::to_string(i));
  std::vector<delay::Exchange> answered = server.answered();
  CHECK(answered.size() == 60);
  CHECK(std::is_sorted(answered.begin(), answered.end(),
                       [](const auto& a, const auto& b) { return due(a) < due(b); }));
}

TEST_CASE("an event for a connection does not let its answer jump the queue") {
  Hold hold;
  Delayserver server(hold.options());
  Later later;
  Client first(server.address()), second(server.address());
  Client holds(server.address()), holds_again(server.address());
  first.send(get("/60/first"));
  second.send(get("/80/second"));
  CHECK(eventually([&] { return arrived(server) == 2; }));
  holds.send(get("/0/hold"));
  hold.wait();
  holds_again.send(get("/0/hold"));  // this and the next come together, and between them …
  second.send(get("/0/third"));
  hold.release();
  hold.wait();
  later.wait(90ms);  // … everything gets due
  hold.release();
  CHECK(first.receive().body == "first");
  CHECK(second.receive().body == "second");
  CHECK(second.receive().body == "third");
  std::vector<std::string> order = server.answered_messages();
  auto place = [&](const char* name) { return std::find(order.begin(), order.end(), name); };
  CHECK(place("first") < place("second"));
}

TEST_CASE("HEAD has the headers of GET and no body, after the same delay") {
  Delayserver server;
  Client client(server.address());
  client.send("HEAD /20/hello HTTP/1.1\r\nHost: suite\r\n\r\n");
  http::Response head = client.receive(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "5");
  client.send("HEAD /0/?chunk=5 HTTP/1.1\r\nHost: suite\r\n\r\n");
  CHECK(client.receive(true).header("Transfer-Encoding") == "chunked");
  client.send("HEAD /nothing HTTP/1.1\r\nHost: suite\r\n\r\n");
  CHECK(client.receive(true).status == 404);
  CHECK(client.ask("/0/next").body == "next");  // so no byte of a body was sent
  CHECK(server.answered()[0].answered - server.answered()[0].received >= 20ms);
}

TEST_CASE("HEAD is refused without a body, too, however little of the request was understood") {
  Delayserver server(delay::Options{.request_timeout = 100ms});
  for (const auto& [status, request] : std::vector<std::pair<int, std::string>>{
           {400, "HEAD /0/a b HTTP/1.1\r\nHost: x\r\n\r\n"},
           {400, "HEAD /0/x\r\n\r\n"},
           {400, "HEAD /0/x HTTP/1.1\r\n\r\n"},
           {408, "HEAD /0/"},
           {408, "HEAD /0/x HTTP/1.1\r\nHo"},
           {414, "HEAD /0/" + std::string(20'000, 'x')},
           {431, "HEAD /0/x HTTP/1.1\r\nX: " + std::string(20'000, 'y')},
           {501, "HEAD /0/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
           {505, "HEAD /0/x HTTP/2.0\r\n\r\n"},
       }) {
    CAPTURE(request.substr(0, 60));
    std::string answer = exchange(server.address(), request);
    CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(status)));
    CHECK(answer.find("\r\n\r\n") == answer.size() - 4);
  }
  // A line that only looks like it: the method is GET.
  CHECK_FALSE(exchange(server.address(), "GET /0/x HTTP/1.1\r\nHEAD /0/x").ends_with("\r\n\r\n"));
}

TEST_CASE("every answer says when it was made") {
  Delayserver server;
  Client client(server.address());
  for (const std::string& request : {get("/0/x"), get("/nothing"), std::string("GET x\r\n")}) {
    std::time_t before = std::time(nullptr);
    client.send(request);
    std::string date = client.receive().header("Date").value_or("none").data();
    std::time_t after = std::time(nullptr);
    date.resize(std::min<std::size_t>(date.size(), 29));
    std::vector<std::string> possible;  // Sun, 06 Nov 1994 08:49:37 GMT
    for (std::time_t second = before; second <= after; ++second) {
      char text[64];
      std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&second));
      possible.emplace_back(text);
    }
    CAPTURE(date);
    CHECK(std::count(possible.begin(), possible.end(), date) == 1);
  }
}

TEST_CASE("Expect: 100-continue is answered, in its turn, unless the body comes unasked") {
  Delayserver server;
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string expect = "Expect: 100-Continue\r\n";
  Client client(server.address());
  client.send(get("/0/first", expect + "Content-Length: 3\r\n"));
  CHECK(client.interim() == go_on);
  client.send("abc");
  CHECK(client.receive().body == "first");

  client.send(get("/50/slow") + get("/0/second", expect + "Transfer-Encoding: chunked\r\n"));
  CHECK(client.receive().body == "slow");
  CHECK(client.interim() == go_on);
  client.send("3\r\nabc\r\n0\r\n\r\n");
  CHECK(client.receive().body == "second");

  // Nobody waits here: the body is there, there is none, or HTTP/1.0 knows no such thing.
  for (const std::string& request :
       {get("/0/x", expect + "Content-Length: 3\r\n" + close_header) + "abc",
        get("/0/x", expect + close_header),
        get("/0/x", expect + "Content-Length: 0\r\n" + close_header),
        "GET /0/x HTTP/1.0\r\n" + expect + "Content-Length: 3\r\n\r\nabc",
        get("/0/x", expect + "Content-Length: 99999999\r\n")})  // this one is refused at once
    CHECK(exchange(server.address(), request).find("100 Continue") == std::string::npos);
}

TEST_CASE(
    "HTTP/1.0 closes after the answer, unless keep-alive is asked for, and is never chunked") {
  Delayserver server;
  std::string answer = exchange(server.address(), "GET /0/old HTTP/1.0\r\n\r\n");
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\nold"));

  Client client(server.address());
  client.send("GET /0/old?chunk=2&gap=5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  http::Response kept = client.receive();
  CHECK(kept.header("Connection") == "keep-alive");
  CHECK(kept.header("Content-Length") == "3");
  CHECK(kept.body == "old");
  CHECK(client.ask("/0/again").body == "again");
}

TEST_CASE("a client that asks to close gets that answer, said to be the last, and then the end") {
  Delayserver server;
  Client client(server.address());
  client.send(get("/0/a") + get("/30/b", close_header) + get("/0/never"));
  CHECK_FALSE(client.receive().header("Connection"));
  http::Response last = client.receive();
  CHECK(last.body == "b");
  CHECK(last.header("Connection") == "close");
  CHECK(client.rest() == "");
  CHECK(server.answered_messages() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a client that leaves takes its requests with it") {
  Delayserver server;
  for (const std::string& header : {std::string(), close_header}) {
    Client stays(server.address());
    {
      Client leaves(server.address());
      leaves.send(get("/60000/x") + get("/60000/y", header));
      CHECK(eventually([&] { return server.stats().in_flight == 2; }));
    }
    CHECK(eventually([&] { return server.stats().in_flight == 0; }));
    CHECK(stays.ask("/0/z").body == "z");
  }
  CHECK(server.stats().errors == 4);
  CHECK(server.answered().at(0).lost);
}

TEST_CASE("it serves IPv6 as well") {
  std::optional<delay::Server> server;
  try {
    server.emplace(delay::Options{.address = net::Address::parse("[::1]:0")});
  } catch (const std::system_error& error) {
    MESSAGE("skipped: no IPv6 here: " << error.what());
    return;
  }
  std::thread thread([&] { server->run(); });
  CHECK(body(server->address(), "/0/six") == "six");
  server->stop();
  thread.join();
}

TEST_CASE("GET / explains everything, and GET /stats is JSON") {
  Delayserver server;
  Client client(server.address());
  http::Response page = client.ask("/");
  CHECK(page.header("Content-Type") == "text/plain; charset=utf-8");
  for (const char* word : {"/{ms}/{message}", "600000", "?fill=N", "16777216", "?chunk=N", "65536",
                           "&gap=MS", "reset", "truncate", "garbage", "stall", "/stats"})
    CHECK_MESSAGE(page.body.find(word) != std::string::npos, word);

  Client waits(server.address());
  waits.send(get("/60000/x") + get("/60000/y"));
  CHECK(eventually([&] { return server.stats().in_flight == 2; }));
  CHECK(client.ask("/0/z").body == "z");
  CHECK(client.ask("/nothing").status == 404);
  http::Response stats = client.ask("/stats");
  CHECK(stats.header("Content-Type") == "application/json");
  CHECK(numbers(stats.body) == Stats{{"served", 1},
                                     {"in_flight", 2},
                                     {"peak_in_flight", 3},
                                     {"errors", 1},
                                     {"connections", 2}});
  waits.reset();
  CHECK(eventually([&] { return server.stats().errors == 3; }));
  CHECK(server.stats().in_flight == 0);
}

TEST_CASE("whoever has an answer finds it counted") {
  Delayserver server;
  Client client(server.address());
  for (std::uint64_t i = 1; i <= 200; ++i) {
    client.ask("/0/x");
    REQUIRE(server.stats().served == i);
    REQUIRE(server.answered().size() == i);
  }
}

// ---- What it refuses

TEST_CASE("what is no good request gets a status and a reason, and harms nobody else") {
  Delayserver server;
  Client other(server.address());
  struct Case {
    int status;
    std::string request;
  };
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  for (const auto& [status, request] : std::vector<Case>{
           {400, "\x16\x03\x01\x02 hello TLS\r\n\r\n"},
           {400, "GET /0/x\r\n\r\n"},
           {400, "GET /0/x HTTP/1.1\r\n\r\n"},  // no Host
           {400, "GET /0/x HTTP/1.1\r\nHost: a b\r\n\r\n"},
           {400, get("/0/x", "no colon here\r\n")},
           {400, get("/0/x", "Content-Length: 1\r\nContent-Length: 2\r\n")},
           {413, get("/0/x", "Content-Length: 99999999999\r\n")},
           {414, get("/0/" + std::string(20'000, 'x'))},
           {431, get("/0/x", "X: " + std::string(20'000, 'y') + "\r\n")},
           {431, get("/0/x", many)},
           {501, "POST /0/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
           {505, "GET /0/x HTTP/2.0\r\n\r\n"},
       }) {
    CAPTURE(request.substr(0, 60));
    Client client(server.address());
    client.send(request + get("/0/never"));  // where that begins, nobody can tell
    http::Response answer = client.receive();
    CHECK(answer.status == status);
    CHECK(answer.header("Content-Type") == "text/plain; charset=utf-8");
    CHECK(answer.header("Connection") == "close");
    CHECK(answer.body.size() > 10);
    CHECK(answer.body.ends_with("\n"));
    CHECK(client.rest() == "");
    CHECK(other.ask("/0/fine").body == "fine");
  }
  CHECK(server.stats().errors == 12);
}

TEST_CASE("a Host is a name or an address, perhaps with a port, and nothing else") {
  Delayserver server;
  auto status_with = [&](const std::string& host) {
    Client client(server.address());
    client.send("GET /0/x HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.receive().status;
  };
  for (const char* good : {"", "localhost", "a.example:8080", "a:", "127.0.0.1", "[::1]",
                           "[::1]:80", "a_b-c~", "%41", "a,b", "A'B"})
    CHECK_MESSAGE(status_with(good) == 200, good);
  for (const char* bad : {"a b", "a\tb", "a/b", "a@b", "a:b", "a:1:2", "::1", "[::1", "[::1]x",
                          "[x]", "a]", "%4", "http://a", "\xc3\xbc", "a\"b", "a, b"})
    CHECK_MESSAGE(status_with(bad) == 400, bad);
}

TEST_CASE("a request that can be read but not answered is refused, and the connection goes on") {
  Delayserver server;
  Client client(server.address());
  std::string post = "POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n1234567";
  for (const auto& [status, request] : std::vector<std::pair<int, std::string>>{
           {405, post},
           {405, "DELETE /stats HTTP/1.1\r\nHost: x\r\n\r\n"},
           {405, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
           {404, get("/hello")},
           {404, get("/favicon.ico?x=/y")},
           {400, get("/soon/hello")},
           {400, get("/-5/hello")},
           {400, get("/1.5/hello")},
           {400, get("//hello")},
           {400, get("/0/%zz")},
           {400, get("/0/100%")},
       }) {
    CAPTURE(request);
    client.send(request);
    http::Response answer = client.receive();
    CHECK(answer.status == status);
    CHECK(answer.body.ends_with("\n"));
    CHECK(answer.header("Allow").has_value() == (status == 405));
  }
  CHECK(client.ask("/0/still here").status == 400);  // a space: now nobody can tell where we are
  CHECK(server.stats().errors == 12);
}

TEST_CASE("a bad query is refused with a list of what there is") {
  Delayserver server;
  Client client(server.address());
  for (const char* query :
       {"fil=3", "fill", "fill=", "fill=x", "fill=-1", "fill=3x", "fill=16777217", "chunk=0",
        "chunk=65537", "gap=5", "chunk=3&gap=600001", "fault=none", "fault=", "=3",
        "fill=1&&chunk=1", "fill=1&fill=2", "Fill=1"}) {
    CAPTURE(query);
    http::Response answer = client.ask("/0/x?" + std::string(query));
    CHECK(answer.status == 400);
    for (const char* word : {"fill=N", "chunk=N", "gap=MS", "reset|truncate|garbage|stall"})
      CHECK(answer.body.find(word) != std::string::npos);
  }
  http::Response too_slow = client.ask("/1000/x?fill=1000&chunk=1&gap=600");
  CHECK(too_slow.status == 400);
  CHECK(too_slow.body.find("600000 ms") != std::string::npos);
}

// ---- For teaching and testing

TEST_CASE("?fill=N repeats the message up to N bytes") {
  Delayserver server;
  CHECK(body(server.address(), "/0/abc?fill=8") == "abcabcab");
  CHECK(body(server.address(), "/0/abc?fill=2") == "ab");
  CHECK(body(server.address(), "/0/abc?fill=0") == "");
  CHECK(body(server.address(), "/0/?fill=3") == "...");
  CHECK(body(server.address(), "/0/abcdefg?fill=1000003") == repeated("abcdefg", 1'000'003));
}

TEST_CASE("?chunk=N&gap=MS sends chunks of N bytes, MS apart") {
  Delayserver server;
  std::string answer = exchange(server.address(), get("/20/abcdefg?chunk=3&gap=15", close_header));
  CHECK(answer.ends_with("\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n1\r\ng\r\n0\r\n\r\n"));
  CHECK(answer.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(answer.find("Content-Length") == std::string::npos);
  delay::Exchange one = server.answered().at(0);
  CHECK(one.answered - one.received >= 50ms);

  CHECK(body(server.address(), "/0/?chunk=3") == "");
  CHECK(body(server.address(), "/0/xy?fill=300001&chunk=1000") == repeated("xy", 300'001));
}

TEST_CASE("?fault=reset resets the connection after the delay") {
  Delayserver server;
  Client client(server.address());
  client.send(get("/20/x?fault=reset"));
  CHECK(client.is_reset());
  delay::Exchange one = server.answered().at(0);
  CHECK(one.lost);
  CHECK(one.answered - one.received >= 20ms);
  CHECK(server.stats().errors == 1);
}

TEST_CASE("?fault=truncate sends half of the body and closes") {
  Delayserver server;
  CHECK(exchange(server.address(), get("/0/12345678?fault=truncate")).ends_with("\r\n\r\n1234"));
  std::string chunked = exchange(server.address(), get("/0/12345678?fault=truncate&chunk=3"));
  CHECK(chunked.ends_with("\r\n\r\n3\r\n123\r\n1\r\n4\r\n"));
  Client client(server.address());
  client.send(get("/0/x?fill=1000000&fault=truncate"));
  CHECK_THROWS_AS(client.receive(), http::ParseError);
  CHECK(server.stats().served == 0);
  CHECK(server.stats().errors == 3);
}

TEST_CASE("?fault=garbage sends bytes that are no HTTP, in its turn, and closes") {
  Delayserver server;
  Client client(server.address());
  client.send(get("/20/good") + get("/0/x?fault=garbage") + get("/0/never"));
  CHECK(client.receive().body == "good");
  CHECK_THROWS_AS(client.receive(), http::ParseError);
  CHECK(eventually([&] { return server.stats().in_flight == 0; }));
  CHECK(server.stats().served == 1);
  CHECK(server.stats().errors == 2);
}

TEST_CASE("?fault=stall is silent until the peer leaves, however long that takes") {
  Delayserver server(delay::Options{.idle_timeout = 500ms});
  {
    Client leaves(server.address());
    leaves.send(get("/0/x?fault=stall") + get("/0/behind"));
    CHECK(eventually([&] { return arrived(server) == 2; }));
    Client idle(server.address());  // it comes later, and is closed first
    CHECK(idle.rest() == "");
    CHECK(server.stats().in_flight == 2);
  }
  CHECK(eventually([&] { return server.stats().in_flight == 0; }));
  CHECK(server.stats().served == 0);
}

// ---- Bad company

TEST_CASE("a slow request is answered with 408, even if something always arrives (slowloris)") {
  Delayserver server(delay::Options{.request_timeout = 100ms});
  Client silent(server.address()), busy(server.address());
  silent.send("GET /0/x HTTP/1.1\r\nHo");
  busy.send("GET /0/x HTTP/1.1\r\nX: ");
  std::thread trickle([&] {
    for (Later later; server.stats().errors < 2;) {
      busy.send("y");
      later.wait(5ms);  // faster, and the header would soon be too large
    }
  });
  for (Client* client : {&silent, &busy}) {
    http::Response answer = client->receive();
    CHECK(answer.status == 408);
    CHECK(answer.header("Connection") == "close");
  }
  trickle.join();
}

TEST_CASE("a slow request behind a waiting one gets its 408 in its turn") {
  Delayserver server(delay::Options{.request_timeout = 40ms});
  Client client(server.address());
  client.send(get("/120/first") + "GET ");
  CHECK(client.receive().body == "first");
  CHECK(client.receive().status == 408);
  CHECK(client.rest() == "");
}

TEST_CASE("what has arrived is taken before the clock is looked at (408 and EOF after SIGCONT)") {
  // A server that is held in the middle of a turn is one that SIGSTOP has stopped.
  Hold hold;
  delay::Options options = hold.options();
  options.request_timeout = 1s;
  options.idle_timeout = 1s;
  Delayserver server(std::move(options));
  Later later;
  Client half(server.address()), used(server.address()), fresh(server.address()),
      late(server.address()), holds(server.address());
  CHECK(used.ask("/0/x").body == "x");
  half.send("GET /0/half HTTP/1.1\r\n");
  late.send("GET /0/late HTTP/1.1\r\n");
  CHECK(eventually([&] { return server.stats().connections == 5; }));
  CHECK(server.stats().errors == 0);
  holds.send(get("/0/hold"));
  hold.wait();
  half.send("Host: suite\r\n\r\n");
  used.send(get("/0/used"));
  fresh.send("GET /0/fresh HTTP/1.1\r\nX: " + std::string(15'000, 'x') + "\r\nHost: suite\r\n");
  fresh.send("Content-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  late.send("X: y\r\n");  // and no more
  for (const Client* client : {&half, &used, &fresh, &late})
    CHECK(eventually([&] { return client->all_has_arrived(); }));
  later.wait(1100ms);
  hold.release();
  CHECK(half.receive().body == "half");
  CHECK(used.receive().body == "used");
  CHECK(fresh.receive().body == "fresh");
  CHECK(late.receive().status == 408);
}

TEST_CASE("idle connections are closed without a word: new ones, and between requests") {
  Delayserver server(delay::Options{.idle_timeout = 300ms});
  Client fresh(server.address()), used(server.address());
  CHECK(used.ask("/0/x").body == "x");
  CHECK(used.rest() == "");
  CHECK(fresh.rest() == "");
  CHECK(server.stats().errors == 0);
}

TEST_CASE("a peer that does not read is dropped after the idle timeout") {
  Delayserver server(delay::Options{.idle_timeout = 300ms});
  Client client(server.address());
  client.bound_buffer();
  for (int i = 0; i < 8; ++i) client.send(get("/0/x?fill=16777216"));  // some fits into buffers
  CHECK(eventually([&] { return server.stats().errors > 0; }));
  CHECK(server.stats().in_flight == 0);
  CHECK(server.stats().connections == 0);
}

TEST_CASE("a peer that reads slowly gets everything, while others are served") {
  Delayserver server;
  Client slow(server.address()), other(server.address());
  slow.bound_buffer();
  slow.send(get("/0/0123456789abcdef?fill=16777216", close_header));
  CHECK(eventually([&] { return server.stats().in_flight == 1; }));
  for (int i = 0; i < 20; ++i) CHECK(other.ask("/0/fine").body == "fine");
  std::string answer = slow.rest();
  CHECK(answer.ends_with("\r\n\r\n" + repeated("0123456789abcdef", 16'777'216)));
}

TEST_CASE("one busy client does not starve the others (mio 45)") {
  Hold hold;
  Delayserver server(hold.options());
  // Its answer has a hundred pieces, and its socket has room for them all.
  Client busy(server.address());
  std::deque<Client> others;
  for (int i = 0; i < 20; ++i) others.emplace_back(server.address());
  CHECK(eventually([&] { return server.stats().connections == 21; }));
  busy.send(get("/0/hold?fill=400000&chunk=4000"));
  hold.wait();
  for (Client& other : others) other.send(get("/0/fine"));
  hold.release();
  for (Client& other : others) CHECK(other.receive().body == "fine");
  CHECK(busy.receive().body == repeated("hold", 400'000));
  CHECK(server.answered_messages().back() == "hold");
}

TEST_CASE("of a thousand pipelined requests at most 64 are taken at a time, and all are answered") {
  Delayserver server;
  Client client(server.address());
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get("/1/" + std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 1000; ++i) REQUIRE(client.receive().body == std::to_string(i));
  CHECK(server.stats().peak_in_flight == 64);
}

TEST_CASE("bytes after the last request do not cost the client its answer") {
  // To close a socket with unread bytes sends an RST, which overtakes what the client has not read.
  Delayserver server;
  for (int i = 0; i < 20; ++i) {
    Client client(server.address());
    client.send(get("/0/x?fill=300000", close_header));
    client.send(std::string(100'000, '?'));
    std::string answer;
    CHECK_NOTHROW(answer = client.rest());
    CHECK(answer.ends_with(std::string(300'000, 'x')));
  }
}

TEST_CASE("silent, half, malformed, oversized and resetting clients do not disturb a good one") {
  std::size_t descriptors = testing::open_descriptors();
  {
    Delayserver server;
    Client good(server.address());
    std::deque<Client> bad;
    for (int round = 0; round < 20; ++round) {
      for (const std::string& bytes :
           {std::string(), std::string("GET /0/"), "GET /0/x HTTP/1.1\r\n" + std::string(500, 'z'),
            get("/60000/waits"), get("/60000/waits", close_header), get("/0/x?fill=16000000"),
            get("/0/x?chunk=1&gap=10000&fill=9"), get("/0/x?fault=stall")})
        bad.emplace_back(server.address()).send(bytes);
      CHECK(good.ask("/0/fine").body == "fine");
      // Numbers of descriptors are used again at once; nobody gets the answer of a predecessor.
      for (std::size_t i = 0; i < bad.size(); i += 2) bad[i].reset();
      for (std::size_t i = 0; i < bad.size(); i += 2) {
        Client next(server.address());
        std::string mine = std::to_string(round) + "-" + std::to_string(i);
        CHECK(next.ask("/1/" + mine).body == mine);
      }
      bad.clear();
    }
    CHECK(eventually([&] { return server.stats().connections == 1; }));
    CHECK(server.stats().in_flight == 0);
    good.reset();
  }
  CHECK(testing::open_descriptors() == descriptors);
}

TEST_CASE("with --max-connections, more connections wait until one closes") {
  Delayserver server(delay::Options{.max_connections = 2});
  Client first(server.address()), second(server.address());
  CHECK(first.ask("/0/a").body == "a");
  CHECK(second.ask("/0/b").body == "b");
  Client third(server.address());
  third.send(get("/0/c"));
  CHECK(second.ask("/50/d").body == "d");
  CHECK(server.stats().connections == 2);
  CHECK(server.stats().served == 3);
  first.reset();
  CHECK(third.receive().body == "c");
}

// ---- System calls that fail, and loops that must not spin

TEST_CASE("interrupted, short and failing system calls change no answer") {
  Watched server(
      "epoll_wait:every:EINTR read:every:EINTR send:every:EINTR accept4:1:ECONNABORTED "
      "accept4:3:EMFILE accept4:5:ENETDOWN");
  for (int i = 0; i < 5; ++i) {
    std::string message = "number " + std::to_string(i);
    CHECK(body(server.address(), "/5/" + http::percent_encode(message)) == message);
  }
  CHECK(server.stop() == "");

  Watched bytewise("read:short send:short");
  CHECK(body(bytewise.address(), "/0/abc?fill=3000&chunk=7") == repeated("abc", 3000));
  CHECK(bytewise.stop() == "");
}

TEST_CASE("a call that fails for one connection costs that connection only") {
  for (const char* plan :
       {"read:1:ECONNRESET", "read:2:ETIMEDOUT", "read:3:ECONNRESET", "send:1:EPIPE",
        "send:2:ECONNRESET", "send:3:EPIPE", "fcntl:1:EINVAL", "fcntl:2:EINVAL", "fcntl:4:EINVAL",
        "epoll_ctl:1:ENOMEM", "epoll_ctl:2:ENOSPC", "epoll_ctl:3:ENOMEM", "accept4:2:ENFILE"}) {
    CAPTURE(plan);
    std::size_t descriptors = testing::open_descriptors();
    {
      Watched server(plan);
      int answered = 0;
      for (int i = 0; i < 5; ++i) {
        try {
          Client client(server.address());
          client.send(get("/1/" + std::to_string(i)) + get("/0/x?fill=300000"));
          answered += client.receive().body == std::to_string(i) &&
                      client.receive().body == repeated("x", 300'000);
        } catch (const std::exception&) {  // that was the one
        }
      }
      CHECK(answered >= 4);
      CHECK(server.stats().in_flight == 0);
      CHECK(server.stop() == "");
    }
    CHECK(testing::open_descriptors() == descriptors);
  }
}

TEST_CASE("a peer that is gone is noticed once, whatever we wait for then (seastar 1945)") {
  Watched server;
  std::string too_many;  // a full queue: nothing is read any more, not even the end
  for (int i = 0; i < 100; ++i) too_many += get("/60000/x");
  Client resets(server.address()), leaves(server.address()), full(server.address()),
      stays(server.address());
  resets.send(too_many);
  full.send(too_many);
  leaves.send(get("/60000/x", close_header));
  CHECK(eventually([&] { return server.stats().in_flight == 64 + 64 + 1; }));
  resets.reset();
  full.close_our_side();
  leaves.close_our_side();
  CHECK(eventually([&] { return server.stats().in_flight == 0; }));
  stays.send(get("/200/y"));
  CHECK(stays.receive().body == "y");
  for (Client* client : {&stays, &leaves, &full}) client->reset();
  CHECK(server.stop() == "");
  CHECK(server.epoll_waits() < 200);
}

TEST_CASE("a client that leaves a full queue is noticed, with bytes unread or without any") {
  for (int count : {63, 64, 65, 100}) {
    CAPTURE(count);
    Watched server;
    {
      Client leaves(server.address());
      std::string requests;
      for (int i = 0; i < count; ++i) requests += get("/60000/x");
      leaves.send(requests);
      CHECK(eventually([&] { return server.stats().in_flight >= 63; }));
      leaves.close_our_side();
      CHECK(eventually([&] { return server.stats().connections == 0; }));
    }
    CHECK(server.stop() == "");
    CHECK(server.epoll_waits() < 100);
  }
}

TEST_CASE(
    "asked to stop, it sleeps until the last answer is due (an undrained eventfd: libcoro 409)") {
  Watched server;
  Client client(server.address());
  client.send(get("/200/x"));
  CHECK(eventually([&] { return arrived(server) == 1; }));
  for (int i = 0; i < 5; ++i) server.ask_to_stop();
  CHECK(client.receive().body == "x");
  CHECK(client.rest() == "");
  client.reset();
  CHECK(server.stop() == "");
  CHECK(server.epoll_waits() < 100);
}

TEST_CASE("out of descriptors, it waits until it has some again, and does not spin (libuv 690)") {
  if (ubsan) {
    MESSAGE("skipped: without a free descriptor, UBSan takes the std::system_error for no object");
    return;
  }
  Program server({"--quiet"}, DELAYSERVER_WITH_FAULTS, "ulimit -n 40");
  std::deque<Client> clients;
  for (int i = 0; i < 60; ++i) clients.emplace_back(server.address());
  clients[0].send(get("/400/0"));  // so long it lasts at least
  for (int i = 1; i < 60; ++i)
    clients[static_cast<std::size_t>(i)].send(get("/0/" + std::to_string(i)));
  CHECK(clients[0].receive().body == "0");
  CHECK(numbers(clients[0].ask("/stats").body)["connections"] < 40);
  clients[0].reset();
  for (int i = 1; i < 60; ++i) {
    Client& client = clients[static_cast<std::size_t>(i)];
    REQUIRE(client.receive().body == std::to_string(i));
    client.reset();
  }
  CHECK(server.stop().ok());
  CHECK(server.calls("accept4") < 1000);
  CHECK(server.calls("epoll_wait") < 1000);
}

// ---- Stopping

TEST_CASE("stop() answers what is in flight, says that it closes, and lets nobody else in") {
  Watched server;
  Client waits(server.address()), idle(server.address()), streams(server.address());
  CHECK(idle.ask("/0/x").body == "x");
  streams.send(get("/0/abcdef?chunk=1&gap=20"));
  waits.send(get("/200/a") + get("/300/b"));
  CHECK(eventually([&] { return arrived(server) == 4; }));
  server.ask_to_stop();
  CHECK(idle.rest() == "");
  CHECK_FALSE(waits.receive().header("Connection"));
  http::Response last = waits.receive();
  CHECK(last.body == "b");
  CHECK(last.header("Connection") == "close");
  CHECK(waits.rest() == "");
  CHECK(streams.receive().body == "abcdef");
  CHECK(streams.rest() == "");
  CHECK(refuses_connections(server.address()));
  streams.reset();
  waits.reset();
  idle.reset();
  CHECK(server.stop() == "");
}

TEST_CASE(
    "stop() loses nobody who stands in the queue, even if --max-connections holds them there") {
  for (std::size_t most : {0u, 1u, 3u}) {
    delay::Options options{.address = net::Address::parse("127.0.0.1:0"), .max_connections = most};
    delay::Server server(options);
    std::deque<Client> clients;
    for (int i = 0; i < 10; ++i) {
      clients.emplace_back(server.address()).send(get("/1/" + std::to_string(i)));
    }
    server.stop();
    std::thread thread([&] { server.run(); });  // only now is anybody accepted
    for (int i = 0; i < 10; ++i) {
      Client& client = clients[static_cast<std::size_t>(i)];
      REQUIRE(client.receive().body == std::to_string(i));
      REQUIRE(client.rest() == "");
      client.reset();
    }
    thread.join();
  }
}

TEST_CASE("stop() answers what has arrived by then on a connection that was idle") {
  Hold hold;
  Watched server("", hold.options());
  Client idle(server.address()), holds(server.address());
  CHECK(idle.ask("/0/x").body == "x");
  holds.send(get("/0/hold"));
  hold.wait();
  server.ask_to_stop();
  idle.send(get("/0/y"));
  hold.release();
  CHECK(idle.receive().body == "y");
  CHECK(holds.receive().body == "hold");
  idle.reset();
  holds.reset();
  CHECK(server.stop() == "");
}

TEST_CASE(
    "stop() answers the 65th pipelined request, though the grace is over when its turn comes") {
  Watched server("", {.request_timeout = 200ms});  // and no longer is the grace
  Client client(server.address());
  std::string requests;
  for (int i = 0; i < 1000; ++i)
    requests += get("/" + std::to_string(i < 64 ? 600 : 0) + "/" + std::to_string(i));
  client.send(requests);
  CHECK(eventually([&] { return arrived(server) == 64 && client.all_has_arrived(); }));
  server.ask_to_stop();
  for (int i = 0; i < 1000; ++i) REQUIRE(client.receive().body == std::to_string(i));
  CHECK(client.rest() == "");
  client.reset();
  CHECK(server.stop() == "");
}

TEST_CASE("stop() answers the requests behind the first 16,384 bytes that it reads") {
  Hold hold;
  Watched server("", hold.options());
  Client client(server.address()), holds(server.address());
  CHECK(client.ask("/0/x").body == "x");
  holds.send(get("/0/hold"));
  hold.wait();
  std::string request = get("/0/y", "X: \r\n");
  request.insert(request.size() - 4, std::string(4096 - request.size(), 'z'));
  for (int i = 0; i < 20; ++i) client.send(request);
  CHECK(eventually([&] { return client.all_has_arrived(); }));
  server.ask_to_stop();
  hold.release();
  for (int i = 0; i < 20; ++i) REQUIRE(client.receive().body == "y");
  CHECK(client.rest() == "");
  client.reset();
  holds.reset();
  CHECK(server.stop() == "");
}

TEST_CASE("stop() loses nobody who has to wait in the queue for longer than the grace") {
  for (const char* plan : {"", "accept4:2:EMFILE accept4:3:EMFILE accept4:5:ENOMEM"}) {
    CAPTURE(plan);
    delay::Server server({.address = net::Address::parse("127.0.0.1:0"),
                          .max_connections = *plan == 0 ? 1u : 0u,
                          .request_timeout = 20ms});
    std::deque<Client> clients;
    clients.emplace_back(server.address()).send(get("/400/0"));
    for (int i = 1; i < 10; ++i)
      clients.emplace_back(server.address()).send(get("/1/" + std::to_string(i)));
    server.stop();
    std::thread thread([&] {
      testing::Faults faults(plan);
      server.run();
    });
    for (int i = 0; i < 10; ++i) {
      Client& client = clients[static_cast<std::size_t>(i)];
      REQUIRE(client.receive().body == std::to_string(i));
      client.reset();
    }
    thread.join();
  }
}

TEST_CASE("stop() ends although nobody can be accepted any more, and does not spin until then") {
  std::string plan;
  for (int i = 1; i < 50; ++i) plan += "accept4:" + std::to_string(i) + ":EMFILE ";
  Watched server(plan, {.request_timeout = 20ms});
  Client waits(server.address());
  CHECK(server.stop() == "");
  CHECK(server.epoll_waits() < 40);
}

TEST_CASE("stop() waits a moment for requests that are on their way") {
  Watched server;
  Client fresh(server.address()), half(server.address()), never(server.address()),
      between(server.address());
  half.send("GET /20/half HTTP/1.1\r\n");
  never.send("GET /20/never");
  CHECK(between.ask("/0/x").body == "x");
  CHECK(eventually([&] { return server.stats().connections == 4; }));
  server.ask_to_stop();
  CHECK(between.rest() == "");
  fresh.send(get("/20/fresh"));
  half.send("Host: suite\r\n\r\n");
  for (Client* client : {&fresh, &half}) {
    http::Response answer = client->receive();
    CHECK(answer.body == (client == &fresh ? "fresh" : "half"));
    CHECK(answer.header("Connection") == "close");
    client->reset();
  }
  between.reset();
  CHECK(never.receive().status == 408);
  never.reset();
  CHECK(server.stop() == "");
}

TEST_CASE("stop() ends what would never end: stalled answers, clients that go on asking") {
  delay::Options options;
  options.request_timeout = 300ms;  // and no longer are requests taken after stop()
  Watched server("", std::move(options));
  Client stalled(server.address()), greedy(server.address());
  stalled.send(get("/0/x?fault=stall"));
  CHECK(eventually([&] { return arrived(server) == 1; }));
  std::thread asks([&] {
    try {
      greedy.send(get("/10/x") + get("/20/x") +
                  get("/30/x"));  // so there are always some in flight
      for (;;) {
        greedy.receive();
        greedy.send(get("/30/x"));
      }
    } catch (const std::exception&) {  // closed, as it should be
      greedy.reset();
    }
  });
  CHECK(eventually([&] { return server.stats().served > 5; }));
  CHECK(server.stop() == "");
  CHECK(server.stats().served < 200);  // three in 30 ms
  asks.join();
  CHECK(stalled.rest() == "");
}

// ---- The program

TEST_CASE("the program logs each request on arrival, with control bytes made harmless") {
  Program server(no_options);
  Client client(server.address());
  CHECK(client.ask("/1/hello").body == "hello");
  CHECK(client.ask("/0/%1b[2J%0a%00%c3%bc").body == "\x1b[2J\n\0\xc3\xbc"s);
  client.ask("/0/" + std::string(4000, 'x'));
  client.ask("/nothing");
  client.send(get("/100/late"));
  CHECK(server.child().wait_for_output("late", testing::patience));
  CHECK(client.receive().body == "late");
  client.reset();
  CHECK(server.stop().ok());
  CHECK(server.child().out() == "delayserver listens on http://" + server.address().to_string() +
                                    "  (Ctrl-C stops it)\n"
                                    "#1 - 1ms: hello\n"
                                    "#2 - 0ms: \\x1b[2J\\x0a\\x00\\xc3\\xbc\n"
                                    "#3 - 0ms: " +
                                    std::string(200, 'x') +
                                    "... (4000 bytes)\n"
                                    "#4 - 100ms: late\n");
  CHECK(server.child().err() == "");
}

TEST_CASE("--quiet logs no requests, and the port file lives as long as the program listens") {
  Program server({"--quiet"});
  CHECK(std::filesystem::exists(server.port_file()));
  CHECK(body(server.address(), "/0/x") == "x");
  CHECK(server.stop(SIGINT).ok());
  CHECK_FALSE(std::filesystem::exists(server.port_file()));
  CHECK(server.child().out().find("#1") == std::string::npos);
}

TEST_CASE("--trace writes a row a request, with its arrival and its answer") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace";
  Program server({"--quiet", "--trace", file});
  CHECK(body(server.address(), "/30/%ff%22") == "\xff\"");
  CHECK(exchange(server.address(), get("/0/x?fault=garbage")) != "");
  CHECK(server.stop().ok());
  nlohmann::json trace = nlohmann::json::parse(std::ifstream(file));
  std::vector<std::string> rows;
  for (const nlohmann::json& event : trace)
    if (event.contains("id"))
      rows.push_back(
          event["ph"].get<std::string>() + " " + event["id"].get<std::string>() + " " +
          event["name"].get<std::string>() +
          (event.contains("args") ? " " + event["args"]["detail"].get<std::string>() : ""));
  CHECK(rows == std::vector<std::string>{"b #1 #1 - 30ms: \\xff\"", "e #1 #1 - 30ms: \\xff\"",
                                         "b #2 #2 - 0ms: x", "e #2 #2 - 0ms: x lost"});
  CHECK(trace[2]["ts"].get<double>() - trace[1]["ts"].get<double>() >= 30'000);
}

TEST_CASE("SIGTERM under load: everything that was asked is answered, and the exit status is 0") {
  Program server;
  std::deque<Client> waiting, last_moment;
  for (int i = 0; i < 400; ++i) {
    std::string delay = std::to_string(400 + i % 100);
    waiting.emplace_back(server.address()).send(get("/" + delay + "/" + std::to_string(i)));
  }
  CHECK(eventually([&] {
    Stats stats = server.stats();
    return stats["in_flight"] + stats["served"] == 400;
  }));
  for (int i = 0; i < 100; ++i) last_moment.emplace_back(server.address());
  for (int i = 0; i < 50; ++i) last_moment[static_cast<std::size_t>(i)].send(get("/50/last"));
  for (int i = 0; i < 50; ++i) last_moment.emplace_back(server.address()).send(get("/50/last"));
  server.child().signal(SIGTERM);
  for (int i = 50; i < 100; ++i) last_moment[static_cast<std::size_t>(i)].send(get("/50/last"));

  for (Client& client : last_moment) {
    REQUIRE(client.receive().body == "last");
    REQUIRE(client.rest() == "");
    client.reset();
  }
  for (int i = 0; i < 400; ++i) {
    Client& client = waiting[static_cast<std::size_t>(i)];
    REQUIRE(client.receive().body == std::to_string(i));
    REQUIRE(client.rest() == "");
    client.reset();
  }
  CHECK(server.child().wait(testing::patience).ok());
}

TEST_CASE("a second signal ends the program at once") {
  for (int signal : {SIGINT, SIGTERM}) {
    Program server;
    Client client(server.address());
    client.send(get("/60000/x"));
    CHECK(eventually([&] { return server.stats()["in_flight"] == 1; }));
    server.child().signal(signal);
    CHECK(eventually([&] { return refuses_connections(server.address()); }));
    CHECK(server.stop(signal).code == 128 + signal);
  }
}

TEST_CASE("once the server is gone, its signal handlers are too (they held a dangling pointer)") {
  struct sigaction before{};
  struct sigaction now{};
  REQUIRE(::sigaction(SIGTERM, nullptr, &before) == 0);
  {
    delay::Server server({.address = net::Address::parse("127.0.0.1:0")});
    delay::StopOnSignals guard(server);
    REQUIRE(::sigaction(SIGTERM, nullptr, &now) == 0);
    CHECK((now.sa_handler != before.sa_handler));
  }
  REQUIRE(::sigaction(SIGTERM, nullptr, &now) == 0);
  CHECK((now.sa_handler == before.sa_handler));
}

TEST_CASE("a trace or a port file that cannot be written is named, with the reason") {
  // Not even root may create a file there: EACCES, which was taken for a port below 1024.
  for (const char* option : {"--trace", "--port-file"}) {
    CAPTURE(option);
    process::Result result =
        testing::run(DELAYSERVER_PROGRAM, {"--port", "0", option, "/sys/course-file"});
    CHECK(result.exit.code == 1);
    CHECK(result.err.starts_with("cannot write the "));
    CHECK(result.err.find(" file /sys/course-file: ") != std::string::npos);
  }
}

TEST_CASE("a trace into a pipe or a terminal is refused: whoever reads it could hold up all") {
  testing::TemporaryFolder folder;
  std::string pipe = folder.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  process::Child child(testing::program(DELAYSERVER_PROGRAM, {"--port", "0", "--trace", pipe}));
  CHECK(child.wait(testing::patience).code == 2);
  CHECK(child.err().starts_with("--trace: " + pipe + " is no file"));
  CHECK(std::count(child.err().begin(), child.err().end(), '\n') == 1);
}

TEST_CASE("a server that ends leaves the port file of another one alone") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "port";
  auto start = [&] {
    process::Child child(
        testing::program(DELAYSERVER_PROGRAM, {"--port", "0", "--port-file", file}));
    REQUIRE(child.wait_for_output("(Ctrl-C stops it)\n", testing::patience));
    return child;
  };
  auto stop = [](process::Child& child) {
    child.signal(SIGTERM);
    return child.wait(testing::patience).ok();
  };
  auto written = [&] {
    std::string port;
    std::ifstream(file) >> port;
    return "http://127.0.0.1:" + port + " ";
  };
  process::Child first = start(), second = start();
  CHECK(second.out().find(written()) != std::string::npos);
  CHECK(stop(first));
  process::Child third = start();  // the number of the first one's file is free to be used again
  CHECK(stop(second));
  CHECK(third.out().find(written()) != std::string::npos);
  CHECK(stop(third));
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a terminal that nobody reads stops neither the answers nor SIGTERM") {
  net::Fd master = net::Fd::checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  net::Fd terminal =
      net::Fd::checked(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC), "open");
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "port";
  process::Command command =
      testing::program(DELAYSERVER_PROGRAM, {"--port", "0", "--port-file", file});
  std::vector<std::string> shell = {"/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"};
  command.arguments.insert(command.arguments.begin(), shell.begin(), shell.end());
  command.output = terminal.get();
  process::Child child(command);
  REQUIRE(eventually([&] { return std::filesystem::exists(file); }));
  std::string port;
  std::ifstream(file) >> port;
  Client client(net::Address::parse("127.0.0.1:" + port));
  for (int i = 0; i < 500; ++i) REQUIRE(client.ask("/0/" + std::string(199, 'x')).status == 200);
  client.reset();
  child.signal(SIGTERM);
  CHECK(child.wait(testing::patience).ok());
}

TEST_CASE("a taken port is one line that says what to do") {
  net::TcpListener other = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
  std::string port = std::to_string(other.address().port());
  process::Result result = testing::run(DELAYSERVER_PROGRAM, {"--port", port});
  CHECK(result.exit.code == 1);
  CHECK(result.out == "");
  CHECK(result.err == "127.0.0.1:" + port +
                          " is taken: choose another port (--port 0 finds a free one), or see who "
                          "has it: ss -ltnp 'sport = :" +
                          port + "'\n");
}

TEST_CASE("a bad host, port or file is one line") {
  for (const auto& [code, arguments] : std::vector<std::pair<int, std::vector<std::string>>>{
           {2, {"--port", "65536"}},
           {2, {"--port", "-1"}},
           {2, {"--max-connections", "-1"}},
           {2, {"--port", "http"}},
           {2, {"--host", "no such host"}},
           {2, {"--host", ""}},
           {2, {"--host", "192.0.2.1", "--port", "0"}},  // an address that nobody has
           {2, {"--verbose"}},
           {1, {"--port", "0", "--port-file", "/no/such/folder/port"}},
           {1, {"--port", "0", "--trace", "/no/such/folder/trace"}},
       }) {
    CAPTURE(arguments[1 % arguments.size()]);
    process::Result result = testing::run(DELAYSERVER_PROGRAM, arguments);
    CHECK(result.exit.code == code);
    CHECK(result.out == "");
    CHECK(result.err.size() > 20);
    if (code == 1) CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
}

TEST_CASE("a standard output that is closed, or that nobody reads, does not stop the answers") {
  Program server(no_options);
  server.child().close_output();
  Client client(server.address());
  for (int i = 0; i < 10; ++i) CHECK(client.ask("/0/x").body == "x");
  client.reset();
  CHECK(server.stop().ok());

  Program unread(no_options);  // its lines are more than a pipe holds
  Client other(unread.address());
  for (int i = 0; i < 500; ++i) REQUIRE(other.ask("/0/" + std::string(199, 'x')).status == 200);
  other.reset();
  CHECK(unread.stop().ok());

  testing::TemporaryFolder folder;
  std::string file = folder.path() / "port";
  process::Command command =
      testing::program(DELAYSERVER_PROGRAM, {"--port", "0", "--port-file", file});
  std::vector<std::string> shell = {"/bin/sh", "-c", "exec \"$@\" <&- >&-", "sh"};
  command.arguments.insert(command.arguments.begin(), shell.begin(), shell.end());
  process::Child child(command);
  CHECK(eventually([&] { return std::filesystem::exists(file); }));
  std::string port;
  std::ifstream(file) >> port;
  // Were a socket its standard output now, this would get a line of the log.
  CHECK(exchange(net::Address::parse("127.0.0.1:" + port), get("/0/x", close_header))
            .starts_with("HTTP/1.1 200"));
  child.signal(SIGTERM);
  CHECK(child.wait(testing::patience).ok());
}

TEST_CASE("it raises its own limit of descriptors, as far as it may") {
  Program server({"--quiet"}, DELAYSERVER_PROGRAM, "ulimit -S -n 50");
  std::deque<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(server.address());
  for (Client& client : clients) CHECK(client.ask("/0/x").body == "x");
  CHECK(server.stats()["connections"] == 101);
  clients.clear();
  CHECK(server.stop().ok());
}

// ---- Ten thousand

namespace {

// Each with its request of some seconds, and one event queue for them all.
class Crowd {
 public:
  Crowd(const net::Address& server, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) sockets_.push_back(net::TcpStream::connect(server));
  }
  void send(std::size_t i, const std::string& path) { sockets_[i].write_all(get(path)); }

  // Reads until everybody has an answer, the first of which may take this long; what the bodies
  // are.
  std::vector<std::string> receive(std::chrono::milliseconds first) {
    net::Fd queue = net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      sockets_[i].set_nonblocking();
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      REQUIRE(::epoll_ctl(queue.get(), EPOLL_CTL_ADD, sockets_[i].fd().get(), &event) == 0);
    }
    std::vector<http::ResponseParser> parsers(sockets_.size());
    std::vector<std::string> bodies(sockets_.size());
    std::array<epoll_event, 512> events;
    std::array<char, 4096> buffer;
    int patience = static_cast<int>((first + testing::patience) / 1ms);
    for (std::size_t open = sockets_.size(); open > 0;) {
      int count = ::epoll_wait(queue.get(), events.data(), 512, patience);
      if (count == -1 && errno == EINTR) continue;
      REQUIRE(count > 0);
      for (int event = 0; event < count; ++event) {
        std::size_t i = events[static_cast<std::size_t>(event)].data.u64;
        std::optional<std::size_t> size = sockets_[i].read(buffer);
        if (!size) continue;
        REQUIRE(*size > 0);
        parsers[i].feed({buffer.data(), *size});
        if (!parsers[i].done()) continue;
        bodies[i] = parsers[i].response().body;
        // Closed with an RST: thousands of closed connections that linger would use up the ports.
        ::linger nothing{1, 0};
        ::setsockopt(sockets_[i].fd().get(), SOL_SOCKET, SO_LINGER, &nothing, sizeof nothing);
        sockets_[i] = net::TcpStream(net::Fd());
        --open;
      }
    }
    return bodies;
  }

 private:
  std::vector<net::TcpStream> sockets_;
};

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

}  // namespace

TEST_CASE("ten thousand requests wait at once and are answered in the order that they ask for") {
  std::size_t size = 10'000, limit = raise_descriptor_limit();
  if (limit < size + 100) {
    size = limit - 100;
    MESSAGE("only " << size << " requests: this process may have " << limit << " descriptors");
  }
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace";
  // All must have asked before the first is answered. How long they have to wait for that depends
  // on the machine: where it was not enough, they do it again, and wait longer.
  for (auto least = 2500ms;; least *= 3) {
    ::alarm(static_cast<unsigned>(2 * testing::case_limit().count()));  // for this attempt
    Program server({"--quiet", "--trace", file});
    Crowd crowd(server.address(), size);
    for (std::size_t i = 0; i < size; ++i)
      crowd.send(i, "/" + std::to_string(least.count() + static_cast<long>(i * 7919 % 500)) + "/" +
                        std::to_string(i));
    std::vector<std::string> bodies = crowd.receive(least);
    for (std::size_t i = 0; i < size; ++i) REQUIRE(bodies[i] == std::to_string(i));
    Stats stats = server.stats();
    CHECK(server.stop().ok());
    CHECK(stats["served"] == size);
    if (stats["peak_in_flight"] < size && least < 20s) continue;
    CHECK(stats["peak_in_flight"] == size);
    break;
  }

  // The trace has them in the order of their answers, each with its arrival and its delay.
  std::map<std::string, double> due;
  double latest = 0;
  std::size_t answers = 0, early = 0;
  for (const nlohmann::json& event : nlohmann::json::parse(std::ifstream(file))) {
    if (!event.contains("id")) continue;
    std::string id = event["id"], name = event["name"];
    if (event["ph"] == "b") {
      due[id] = event["ts"].get<double>() + 1000 * std::stod(name.substr(name.find(" - ") + 3));
    } else {
      ++answers;
      early += due[id] < latest - 0.001;  // it is an answer behind a later one
      latest = std::max(latest, due[id]);
    }
  }
  CHECK(answers == size);
  CHECK(early == 0);
}
