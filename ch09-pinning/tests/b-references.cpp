// The suite of ch09/b-references. (The executor and the reactor are those of chapter 8, and have
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

Waker nobody_s_waker() {
  return Waker(1, std::make_shared<ReadyQueue>(), std::make_shared<Parker>());
}

// Polls the machine on, wherever it is now, as a task.
class Borrowed final : public Future<Unit> {
 public:
  explicit Borrowed(AsyncMain& machine) : machine_(&machine) {}
  PollState<Unit> poll(const Waker& waker) override { return machine_->poll(waker); }

 private:
  AsyncMain* machine_;
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

TEST_CASE("what is in a body does not matter to the reference: much, nothing, and odd bytes") {
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

TEST_CASE("before its first poll a machine may be moved as often as one likes") {
  Delayserver server;
  std::string result = told_result([&] {
    AsyncMain first = async_main(server.address(), 20ms);
    auto second = std::make_unique<AsyncMain>(std::move(first));
    std::vector<AsyncMain> machines;
    machines.push_back(std::move(*second));
    second.reset();
    machines.reserve(100);  // takes it elsewhere
    Reactor reactor;
    Executor executor;
    executor.spawn(std::move(machines[0]));  // moves it once more
    executor.run();
  });
  CHECK(result == "27 bytes: request-0 request-1 request-2\n");
}

TEST_CASE("moved after its first poll, it still writes into the one that it was before") {
  std::atomic<bool> moved = false;
  Peer server([&](net::TcpStream stream) {
    std::string name = requested_name(stream);
    REQUIRE(testing::eventually([&] { return moved.load(); }));
    testing::say_and_close(stream, answer(name));
  });
  std::string result = told_result([&] {
    Reactor reactor;
    AsyncMain old = async_main(server.address(), 1ms);  // lives to the end: nothing dangles
    REQUIRE_FALSE(old.poll(nobody_s_waker()).has_value());
    AsyncMain current(std::move(old));
    moved = true;
    Executor executor;
    executor.spawn(Borrowed(current));
    executor.run();
  });
  CHECK(result == "27 bytes:\n");  // the bytes are counted here, the text is there
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
