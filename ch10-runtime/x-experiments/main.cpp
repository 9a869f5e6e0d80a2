// Stage ch10/x-experiments, an excursion from ch10/h: what can be tried with a whole runtime? New:
// asio_leaf.hpp, by which the operations of another library are leaves of ours.

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "asio_leaf.hpp"
#include "blocking.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "group.hpp"
#include "http.hpp"
#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "sleep.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

using std::chrono::milliseconds;

// ---- A call that blocks, and its neighbour

Task<> tick(int count, milliseconds unit) {
  for (int i = 0; i < count; ++i) {
    co_await sleep_for(unit);
    narrate::say("tick", "neighbour", i + 1);
  }
}

Task<> block_beside_a_neighbour(milliseconds unit) {
  JoinHandle<void> neighbour = spawn(tick(8, unit));
  auto call = [&] { std::this_thread::sleep_for(3 * unit); };
  co_await sleep_for(3 * unit / 2);
  {
    narrate::Span span("block", "on the executor's thread");
    call();
  }
  {
    narrate::Span span("block", "by spawn_blocking()");
    co_await spawn_blocking(call);
  }
  co_await std::move(neighbour);
}

// ---- Leaves of another library, with and without its reactor

Task<> wait_by_asio(asio::io_context& context, milliseconds time) {
  asio::steady_timer timer(context, time);
  narrate::start("asio-timer", time.count(), " ms");
  co_await timer.async_wait(here);
  narrate::done("asio-timer");
}

// As Socket::read(): the end of the stream is 0, and not an error as it is to Asio.
Task<std::size_t> read(asio::ip::tcp::socket& socket, std::span<char> buffer) {
  try {
    co_return co_await socket.async_read_some(asio::buffer(buffer.data(), buffer.size()), here);
  } catch (const std::system_error& error) {
    if (error.code() != asio::error::eof) throw;
    co_return 0;
  }
}

// As get(), with Asio's sockets.
Task<> get_by_asio(asio::io_context& context, net::Address server, std::string name,
                   milliseconds delay) {
  std::string path = "/" + std::to_string(delay.count()) + "/" + name;
  narrate::start(name, "GET ", path);
  asio::ip::tcp::endpoint endpoint;
  endpoint.resize(server.size());
  std::memcpy(endpoint.data(), server.data(), server.size());
  asio::ip::tcp::socket socket(context);
  co_await socket.async_connect(endpoint, here);
  std::string request = http::get_request(path, server.to_string());
  co_await asio::async_write(socket, asio::buffer(request), here);
  http::ResponseParser parser;
  std::array<char, 4096> buffer;
  while (!parser.done()) {
    std::size_t count = co_await read(socket, buffer);
    if (count == 0) {
      parser.finish();  // complete now, or this throws
    } else {
      parser.feed({buffer.data(), count});
    }
  }
  narrate::done(name, parser.response().status, " ", parser.response().reason, ": ",
                parser.response().body);
}

Task<> use_another_reactor(net::Address server, milliseconds unit) {
  asio::io_context context(1);       // one thread is going to run it
  std::optional<AsioThread> thread;  // ends after those that wait for it
  auto body = [&](TaskGroup& group) -> Task<> {
    group.spawn(wait_by_asio(context, unit));
    co_await sleep_for(3 * unit);
    narrate::say("notice", "asio-timer", "nobody has run its reactor yet");
    thread.emplace(context);
    group.spawn(get_by_asio(context, server, "request-asio", unit));
  };
  co_await with_group(body);
}

// ---- A hundred requests

Task<> make_a_hundred_requests(net::Address server, milliseconds unit) {
  std::vector<Task<std::string>> requests;
  for (int i = 0; i < 100; ++i)
    requests.push_back(get(server, "request-" + std::to_string(i), unit));
  narrate::say("start", "main", "a hundred requests, in silence");
  narrate::set_silent(true);
  std::vector<std::string> bodies = co_await when_all(std::move(requests));
  narrate::set_silent(false);
  narrate::say("result", "main", bodies.size(), " answers");
}

Task<> async_main(net::Address server, milliseconds unit) {
  co_await block_beside_a_neighbour(unit);
  co_await use_another_reactor(server, unit);
  co_await make_a_hundred_requests(server, unit);
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
