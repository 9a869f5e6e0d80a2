// The suite of ch05/f-fast-switch: what is faster is still right.

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "context.hpp"
#include "mapped.hpp"
#include "measure.hpp"
#include "registers.hpp"
#include "runtime.hpp"
#include "tcp_stream.hpp"
#include "testing/plain_program.hpp"
#include "testing/program.hpp"

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

constexpr std::array switches = {switch_context, switch_by_jump, switch_registers,
                                 switch_registers_by_jump};

template <Switch switch_with>
double ping_pong() {
  return PingPong<switch_with>().switches(1000).count();
}

// Counts its copies that are still to be destroyed.
struct Counted {
  explicit Counted(int& alive) : count(&alive) { ++alive; }
  Counted(Counted&& other) noexcept : count(other.count) { ++*count; }
  ~Counted() { --*count; }
  int* count;
};

}  // namespace

TEST_CASE("each switch keeps the registers that a function may count on after a call") {
  for (Switch switch_with : switches) {
    static Context here, there;
    static Switch back;
    static Registers other_before, other_after;
    back = switch_with;
    other_before = registers_with(2);
    auto stack = std::make_unique<std::byte[]>(64 * 1024);
    StackWatch mine, other({stack.get(), 64 * 1024});
    static StackWatch *from, *to;
    from = &mine, to = &other;
    there = prepare(
        {stack.get(), 64 * 1024},
        [] {
          StackWatch::before_switch(*to, *from);
          switch_with_registers(&there, &here, &other_before, &other_after, back);
          StackWatch::before_switch(*to, *from);
          back(&there, &here);
        },
        nullptr);
    Registers before = registers_with(1), after{};
    for (int i = 0; i != 2; ++i) {
      StackWatch::before_switch(mine, other);
      switch_with_registers(&here, &there, &before, &after, switch_with);
      CHECK(changed(before, after) == "");
    }
    CHECK(changed(other_before, other_after) == "");
  }
}

TEST_CASE("the measurements of each switch come to an end") {
  CHECK(ping_pong<switch_context>() > 0);
  CHECK(ping_pong<switch_by_jump>() > 0);
  CHECK(ping_pong<switch_registers>() > 0);
  CHECK(ping_pong<switch_registers_by_jump>() > 0);
}

TEST_CASE("with each switch, fibers take turns and keep their variables") {
  for (Switch switch_with : switches) {
    Runtime runtime(64, switch_with);
    Strings seen;
    for (std::string name : {"a", "b", "c"})
      runtime.spawn([&seen, name] {
        for (int i = 0; i != 3; ++i) {
          seen.push_back(name + std::to_string(i));
          yield();
        }
      });
    runtime.run();
    CHECK(seen == Strings{"a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"});
  }
}

TEST_CASE("a stack is used again, and the one that was used last is taken first") {
  Runtime runtime(2);
  std::set<void*> frames;
  for (int i = 0; i != 100; ++i) {
    runtime.spawn([&frames] { frames.insert(__builtin_frame_address(0)); });
    runtime.run();
  }
  CHECK(frames.size() == 1);
}

TEST_CASE("no more stacks are kept than was asked for, and none in the end") {
  std::size_t before = mapped().places;
  for (std::size_t kept : {0u, 3u}) {
    Runtime runtime(kept);
    std::size_t with_runtime = mapped().places;
    for (int i = 0; i != 50; ++i) runtime.spawn([] { yield(); });
    CHECK(mapped().places >= with_runtime + 50);
    runtime.run();
    CHECK(mapped().places <=
          with_runtime + 2 * kept + 2);  // two a stack; and the heap may have grown
  }
  CHECK(mapped().places <= before + 2);
}

TEST_CASE("a large closure with an alignment of its own lies on the stack, whole and aligned") {
  struct alignas(64) Large {
    std::array<unsigned char, 8000> bytes;
  };
  Runtime runtime;
  Large large;
  for (std::size_t i = 0; i != large.bytes.size(); ++i)
    large.bytes[i] = static_cast<unsigned char>(i * 7);
  std::size_t right = 0;
  bool aligned = false;
  runtime.spawn([large, &right, &aligned] {
    yield();
    aligned = reinterpret_cast<std::uintptr_t>(&large) % 64 == 0;
    for (std::size_t i = 0; i != large.bytes.size(); ++i)
      right += large.bytes[i] == static_cast<unsigned char>(i * 7);
  });
  runtime.run();
  CHECK(right == large.bytes.size());
  CHECK(aligned);
}

TEST_CASE("closures are destroyed once: after a return, after an exception, and at the end") {
  int alive = 0;
  {
    Runtime runtime;
    runtime.spawn([counted = Counted(alive)] {});
    runtime.spawn([counted = Counted(alive)] { throw std::runtime_error("failed"); });
    CHECK(alive == 2);
    CHECK_THROWS_WITH_AS(runtime.run(), "failed", std::runtime_error);
    CHECK(alive == 0);
    runtime.spawn([counted = Counted(alive)] { yield(); });
    runtime.spawn([counted = Counted(alive)] {
      Counted local(*counted.count);
      throw std::runtime_error("failed again");
    });
    CHECK_THROWS_WITH_AS(runtime.run(), "failed again", std::runtime_error);
    runtime.spawn([counted = Counted(alive)] {});
    CHECK(alive >= 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("fibers without a deadline, with one, and with sockets wait beside each other") {
  Runtime runtime;
  Strings seen;
  TcpListener listener(net::Address::parse("127.0.0.1:0"));
  runtime.spawn([&] {
    TcpStream peer = listener.accept();  // no deadline
    std::array<char, 8> buffer;
    std::size_t count = peer.read(buffer);
    seen.push_back("server: " + std::string(buffer.data(), count));
    peer.write_all("pong");
  });
  runtime.spawn([&] {
    TcpStream stream = TcpStream::connect(listener.address());
    stream.set_timeout(1ms);
    std::array<char, 8> buffer;
    CHECK_THROWS_AS((void)stream.read(buffer), std::system_error);  // nothing was asked for yet
    seen.push_back("client: timeout");
    stream.set_timeout(TcpStream::none);
    sleep_for(1ms);
    stream.write_all("ping");
    std::size_t count = stream.read(buffer);
    seen.push_back("client: " + std::string(buffer.data(), count));
  });
  runtime.run();
  CHECK(seen == Strings{"client: timeout", "server: ping", "client: pong"});
}

TEST_CASE("the program prints a time for each way to switch, and for a fiber") {
  process::Result result = process::run(testing::program(STAGE_PROGRAM, {}), testing::patience);
  CHECK(result.exit.ok());
  CHECK(result.err == "");
  for (const char* row : {"by ret", "by a jump", "by ret, no control words",
                          "by a jump, no control words", "a new stack", "a kept stack"})
    CHECK_MESSAGE(result.out.find(row) != std::string::npos, row);
}
