// The suite of ch10/x-experiments; and, since it has all of ch10/h, what the suites of exercises
// leave out: cases of what a reader is given there, and programs made by chance.

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)
#include "schedules.hpp"
// Everything else comes after it.
#include "asio_leaf.hpp"
#include "combinator_cases.hpp"
#include "group.hpp"
#include "reactor.hpp"
#include "schedule_cases.hpp"
#include "sleep.hpp"
#include "testing/delayserver.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

Task<std::string> ending_of(std::stop_token token, Task<> task) {
  try {
    co_await with_token(std::move(token), std::move(task));
    co_return "ended";
  } catch (const Cancelled&) {
    co_return "cancelled";
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

Task<> wait(asio::io_context& context, Clock::duration time) {
  asio::steady_timer timer(context, time);
  co_await timer.async_wait(here);
}

// Where all lines of the narration stand that hold this, in order.
std::vector<std::size_t> places(const std::string& text, const std::string& what) {
  std::vector<std::size_t> all;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    all.push_back(at);
  return all;
}

}  // namespace

TEST_CASE(
    "an operation of Asio gives its result to the task that awaits it, on the task's thread") {
  asio::io_context context(1);
  AsioThread thread(context);
  run_body([&]() -> Task<> {
    std::thread::id home = std::this_thread::get_id();
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(context), server(context);
    auto connect = [&]() -> Task<> {
      co_await client.async_connect(acceptor.local_endpoint(), here);
      CHECK(co_await asio::async_write(client, asio::buffer("hello", 5), here) == 5);
    };
    JoinHandle<void> connected = spawn(connect());
    co_await acceptor.async_accept(server, here);
    CHECK(std::this_thread::get_id() == home);
    std::array<char, 16> buffer;
    std::size_t count = co_await server.async_read_some(asio::buffer(buffer), here);
    CHECK(std::string(buffer.data(), count) == "hello");
    CHECK(std::this_thread::get_id() == home);
    co_await std::move(connected);
  });
}

TEST_CASE("the error of an operation is thrown, and compares with std::errc") {
  asio::io_context context(1);
  tcp::endpoint nobody;
  {
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    nobody = acceptor.local_endpoint();
  }
  AsioThread thread(context);
  run_body([&]() -> Task<> {
    tcp::socket socket(context);
    std::error_code error;
    try {
      co_await socket.async_connect(nobody, here);
    } catch (const std::system_error& failed) {
      error = failed.code();
    }
    CHECK(error == std::errc::connection_refused);
  });
}

TEST_CASE("without its reactor nothing becomes of it, and nobody else is disturbed") {
  asio::io_context context(1);
  Reactor reactor;
  std::optional<AsioThread> thread;
  run_body([&]() -> Task<> {
    bool done = false;
    auto waits = [&]() -> Task<> {
      co_await wait(context, 0ms);
      done = true;
    };
    JoinHandle<void> handle = spawn(waits());
    for (int i = 0; i < 5; ++i) co_await sleep_for(1ms);
    CHECK_FALSE(done);
    thread.emplace(context);
    co_await std::move(handle);
    CHECK(done);
  });
}

TEST_CASE("two thousand operations in flight: each wakes its own task, once") {
  asio::io_context context(1);
  AsioThread thread(context);
  int ended = 0;
  run_body([&]() -> Task<> {
    auto waits = [&](int i) -> Task<> {
      for (int again = 0; again < 2; ++again) co_await wait(context, std::chrono::microseconds(i));
      ++ended;
    };
    std::vector<Task<>> all;
    for (int i = 0; i < 1000; ++i) all.push_back(waits(i % 50));
    co_await when_all(std::move(all));
  });
  CHECK(ended == 1000);
}

TEST_CASE("a stop cancels the operation, and the task has ended when Asio has let go of it") {
  asio::io_context context(1);
  AsioThread thread(context);
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), wait(context, 24h)));
    co_await sleep_for(1ms);
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
  });
}

TEST_CASE("stopped before it begins, it is cancelled, too") {
  asio::io_context context(1);
  AsioThread thread(context);
  run_body([&]() -> Task<> {
    std::stop_source source;
    source.request_stop();
    CHECK(co_await ending_of(source.get_token(), wait(context, 24h)) == "cancelled");
  });
}

TEST_CASE("a stop that meets the end: cancelled or ended, and never both or none") {
  asio::io_context context(1);
  AsioThread thread(context);
  for (int i = 0; i < 200; ++i) {
    run_body([&]() -> Task<> {
      std::stop_source source;
      std::thread other([&] {
        auto then = Clock::now() + i * 1us;
        while (Clock::now() < then) continue;
        source.request_stop();
      });
      std::string how = co_await ending_of(source.get_token(), wait(context, 50us));
      other.join();
      bool either = how == "cancelled" || how == "ended";
      CHECK(either);
    });
  }
}

TEST_CASE("a time limit reaches it as every other leaf") {
  asio::io_context context(1);
  AsioThread thread(context);
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::error_code error;
    try {
      co_await with_timeout(2ms, wait(context, 24h));
    } catch (const std::system_error& late) {
      error = late.code();
    }
    CHECK(error == std::errc::timed_out);
  });
}

TEST_CASE("a task that is destroyed while it waits is not called back, whatever Asio does") {
  asio::io_context context(1);
  run_body([&]() -> Task<> {
    {
      Task<> begun = wait(context, 0ms);
      begun.handle().resume();
    }
    AsioThread thread(context);
    co_await wait(context, 1ms);
    Task<> begun = wait(context, 24h);
    begun.handle().resume();
    co_await wait(context, 1ms);  // by now it is in flight
  });
}

TEST_CASE("a sleep that is longer than the clock can tell lasts until it is stopped") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    auto longest = []() -> Task<> { co_await sleep_for(Clock::duration::max()); };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), longest()));
    co_await sleep_for(1ms);
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
  });
}

TEST_CASE("when_all(): an error counts for more than a Cancelled that came before it") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    auto cancelled = []() -> Task<> { co_await sleep_for(24h); };
    auto fails_as_it_ends = []() -> Task<> {
      bool stopped = false;
      try {
        co_await sleep_for(24h);
      } catch (const Cancelled&) {
        stopped = true;
      }
      if (stopped) co_await with_token(std::stop_token(), failing("cleaning up"));
    };
    for (bool first : {true, false}) {
      std::vector<Task<>> tasks;
      if (!first) tasks.push_back(fails_as_it_ends());
      tasks.push_back(cancelled());
      if (first) tasks.push_back(fails_as_it_ends());
      std::stop_source source;
      JoinHandle<std::string> ending =
          spawn(ending_of(source.get_token(), when_all(std::move(tasks))));
      co_await sleep_for(1ms);
      source.request_stop();
      CHECK(co_await std::move(ending) == "cleaning up");
    }
  });
}

TEST_CASE("a call that blocks stops its neighbour, and spawn_blocking() does not") {
  testing::Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  const std::string& out = counted.result.out;
  INFO(out, counted.result.err);
  REQUIRE(counted.result.exit.describe() == "exit status 0");
  std::vector<std::size_t> blocks = places(out, "block  "), ticks = places(out, "tick  ");
  REQUIRE(blocks.size() == 2);
  REQUIRE(ticks.size() == 8);
  auto between = [&](std::size_t from, std::size_t to) {
    return std::count_if(ticks.begin(), ticks.end(),
                         [&](std::size_t at) { return from < at && at < to; });
  };
  CHECK(between(blocks[0], blocks[1]) == 0);
  CHECK(between(blocks[1], out.size()) >= 6);
}

TEST_CASE("the program's leaves of Asio end when their reactor runs; a hundred requests at once") {
  testing::Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  const std::string& out = counted.result.out;
  INFO(out, counted.result.err);
  REQUIRE(counted.result.exit.describe() == "exit status 0");
  REQUIRE(places(out, "notice").size() == 1);
  REQUIRE(places(out, "done      asio-timer").size() == 1);
  CHECK(places(out, "notice")[0] < places(out, "done      asio-timer")[0]);
  CHECK(places(out, "100 answers").size() == 1);
  CHECK(server.stats().served == 101);
  CHECK(server.stats().peak_in_flight > 10);
}

// On sockets only: Asio wakes its thread by a descriptor that never takes a part of what is
// written.
TEST_CASE("the program puts answers together from single bytes, and does not mind signals") {
  testing::check_faults(
      STAGE_PROGRAM,
      {"recv*:short", "recv*:every:EINTR", "send*:every:EINTR", "epoll_wait*:every:EINTR"}, 101);
}
TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_error_reports(STAGE_PROGRAM);
}
TEST_CASE("the program records its requests in a trace") {
  testing::check_trace(STAGE_PROGRAM, 101);
}
