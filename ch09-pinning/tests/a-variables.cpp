// The suite of ch09/a-variables. (The executor and the reactor are those of chapter 8, and have
// their suite there.)

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "machines.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

// The machine is in an anonymous namespace: the suite compiles a copy of it.
#define main program_main
#include "main_corofied.cpp"
#undef main

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;

namespace {

// Moves the machine to a new place after each poll that has to wait, and frees the old one.
class MovesAlways final : public Future<Unit> {
 public:
  MovesAlways(AsyncMain machine, std::atomic<int>& moves)
      : machine_(std::make_unique<AsyncMain>(std::move(machine))), moves_(&moves) {}
  PollState<Unit> poll(const Waker& waker) override {
    PollState<Unit> result = machine_->poll(waker);
    if (result) return result;
    machine_ = std::make_unique<AsyncMain>(std::move(*machine_));
    ++*moves_;
    return result;
  }

 private:
  std::unique_ptr<AsyncMain> machine_;
  std::atomic<int>* moves_;
};

}  // namespace

TEST_CASE("the program makes its requests one after the other, and keeps what they bring") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.out, result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(result_line(result.out).ends_with("  27 bytes: request-0 request-1 request-2"));
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2"});
  CHECK(server.stats().peak_in_flight == 1);
}

TEST_CASE("what is in a body does not matter to the variables: much, nothing, and odd bytes") {
  const std::vector<std::string> bodies{std::string(1'000'000, 'x'), "",
                                        std::string("\0\n\r\xff\"%s", 8)};
  std::size_t asked = 0;
  Peer server([&](net::TcpStream stream) {
    testing::read_request(stream);
    testing::say_and_close(stream, answer(bodies.at(asked++)));
  });
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(asked == 3);
  CHECK(result_line(result.out).find("  1000008 bytes: xxxxx") != std::string::npos);
}

TEST_CASE("after an error nothing more is asked, and there is no result") {
  std::size_t asked = 0;
  Peer server([&](net::TcpStream stream) {
    testing::read_request(stream);
    testing::say_and_close(stream, ++asked == 2 ? "no HTTP\r\n\r\n" : answer("ok"));
  });
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(asked == 2);
  CHECK(result.out.find("  result  ") == std::string::npos);
}

TEST_CASE("a machine of values may be moved whenever it waits: the variables move with it") {
  std::atomic<int> moves = 0;
  int asked = 0;
  Peer server([&](net::TcpStream stream) {  // answers when the machine has waited, and has moved
    std::string name = requested_name(stream);
    ++asked;
    REQUIRE(testing::eventually([&] { return moves >= asked; }));
    testing::say_and_close(stream, answer(name));
  });
  std::string result = told_result([&] {
    Reactor reactor;
    Executor executor;
    executor.spawn(MovesAlways(async_main(server.address(), 1ms), moves));
    executor.run();
  });
  CHECK(result == "27 bytes: request-0 request-1 request-2\n");
}

TEST_CASE("two machines of one function have variables of their own") {
  std::vector<std::pair<net::TcpStream, std::string>> waiting;
  Peer server([&](net::TcpStream stream) {  // answers when both machines wait
    std::string name = requested_name(stream);
    waiting.emplace_back(std::move(stream), std::move(name));
    if (waiting.size() < 2) return;
    for (auto& [one, body] : waiting) testing::say_and_close(one, answer(body));
    waiting.clear();
  });
  std::string results = told_result([&] {
    Reactor reactor;
    Executor executor;
    for (int i = 0; i < 2; ++i) executor.spawn(async_main(server.address(), 1ms));
    executor.run();
  });
  const std::string one = "27 bytes: request-0 request-1 request-2\n";
  CHECK(results == one + one);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
