// The delayserver when memory runs out. A suite of its own, because it replaces operator new: a
// real limit (ulimit -v) would hit wherever it liked, and the sanitizers need more than any.

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "delayserver/server.hpp"
#include "http/response_parser.hpp"
#include "net/tcp_stream.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

using namespace std::literals;
using testing::eventually;

namespace {

thread_local bool counts = false;     // only the server's thread
thread_local std::size_t made = 0;    // allocations
thread_local std::size_t fails = 0;   // this one fails
std::atomic<bool> none_left = false;  // all fail

void* allocate(std::size_t size) {
  bool refused = counts && (++made == fails || none_left);
  void* memory = refused ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// A server on a thread of its own, whose nth allocation fails.
class Server {
 public:
  explicit Server(std::size_t nth = 0)
      : server_({.address = net::Address::parse("127.0.0.1:0")}), thread_([this, nth] {
          counts = true;
          fails = nth;
          try {
            server_.run();
          } catch (const std::exception& error) {
            failure_ = error.what();
          }
          allocations_ = made;
        }) {}
  ~Server() { stop(); }

  [[nodiscard]] net::Address address() const { return server_.address(); }
  [[nodiscard]] delay::Stats stats() const { return server_.stats(); }
  // What ended run() too early; normally empty.
  std::string stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
    return failure_;
  }
  [[nodiscard]] std::size_t allocations() const { return allocations_; }  // after stop()

 private:
  std::string failure_;
  std::size_t allocations_ = 0;
  delay::Server server_;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(const net::Address& server) : stream_(net::TcpStream::connect(server)) {}
  void send(const std::string& path, const std::string& headers = "") {
    stream_.write_all("GET " + path + " HTTP/1.1\r\nHost: suite\r\n" + headers + "\r\n");
  }
  // Throws where none comes.
  std::string receive() {
    http::ResponseParser parser;
    for (;;) {
      unread_.erase(0, parser.feed(unread_));
      if (parser.done()) return parser.take().body;
      std::array<char, 4096> buffer;
      std::size_t size = stream_.read(buffer).value_or(0);
      if (size == 0) parser.finish();
      unread_.append(buffer.data(), size);
    }
  }

 private:
  net::TcpStream stream_;
  std::string unread_;
};

// A connection with several requests: whether all are answered.
bool is_served(const net::Address& server) {
  try {
    Client client(server);
    std::string message(100, 'm');
    client.send("/1/" + message, "X-Long: " + std::string(100, 'x') + "\r\n");
    client.send("/0/0123456789?fill=20000&chunk=3000");
    client.send("/nothing-" + message);
    client.send("/0/bad?fill=x");
    bool good = client.receive() == message;
    good = client.receive().size() == 20'000 && good;
    good = client.receive().size() > 10 && good;
    return client.receive().size() > 10 && good;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("an allocation that fails costs one connection, whichever it is") {
  for (std::size_t nth = 1;; ++nth) {
    CAPTURE(nth);
    Server server(nth);
    int lost = 0;
    for (int i = 0; i < 3; ++i) lost += is_served(server.address()) ? 0 : 1;
    CHECK(lost <= 1);
    CHECK(eventually([&] { return server.stats().connections == 0; }));
    CHECK(server.stats().in_flight == 0);
    CHECK(server.stop() == "");
    if (server.allocations() < nth) {
      CHECK(nth > 50);  // or else nothing was tried
      break;
    }
  }
}

TEST_CASE("without any memory all connections end, and with it the next ones are served") {
  Server server;
  std::deque<Client> waiting;
  for (int i = 0; i < 5; ++i) waiting.emplace_back(server.address()).send("/100/x?fill=1000");
  CHECK(eventually([&] { return server.stats().in_flight == 5; }));
  none_left = true;
  for (Client& client : waiting) CHECK_THROWS_AS(client.receive(), std::exception);
  CHECK_FALSE(is_served(server.address()));
  none_left = false;
  CHECK(is_served(server.address()));
  CHECK(server.stats().errors >= 5);
  CHECK(server.stop() == "");
}
