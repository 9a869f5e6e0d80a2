#pragma once
// For the suites of d to h: what they all need, and the cases that hold from d on.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "http.hpp"
#include "reactor.hpp"
#include "socket.hpp"
#include "task.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "testing/source.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;
using testing::Source;

// Lives in a frame, and counts itself: so a frame that is left behind is noticed.
class Counted {
 public:
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }
  static inline int alive = 0;
};

// Runs it on an executor of its own. Everything that it has started has ended afterwards.
inline void run_to_the_end(Task<> task) {
  {
    Executor executor;
    executor.spawn(std::move(task));
    executor.run();
  }
  CHECK(Counted::alive == 0);
}

#ifdef WORKERS_STEAL
// The same on several workers.
inline void run_on(std::size_t workers, Task<> task) {
  {
    Executor executor(workers);
    executor.spawn(std::move(task));
    executor.run();
  }
  CHECK(Counted::alive == 0);
}
#endif

// Runs a lambda that takes nothing and returns a Task<>. The lambda lives until everything has
// ended: a coroutine that is a lambda's finds its captures there, in the lambda, and not in its own
// frame. For the same reason, what a body spawns is no lambda of the body's own, which may end
// before.
template <class Body>
void run_body(Body body) {
  run_to_the_end(body());
}

// `co_await UntilReady(registration)`: a leaf that waits for a source, by the reactor alone. (From
// f on a wait has a deadline: the suite says by REGISTRATION_WAITS how it is called.)
class UntilReady {
 public:
  explicit UntilReady(Registration& registration) : registration_(registration) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    return REGISTRATION_WAITS(registration_, handle, Executor::current().ready());
  }
  void await_resume() const noexcept {}

 private:
  Registration& registration_;
};

#ifndef PUSH_AS_LAST
#define PUSH_AS_LAST push  // as long as there is one order only
#endif

// `co_await Turn()`: goes on when those have had their turns that stand in the queue.
class Turn {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const {
    Executor::current().ready().PUSH_AS_LAST(handle);
  }
  void await_resume() const noexcept {}
};

inline Task<int> value_of(int value) { co_return value; }

inline Task<int> thrown(std::string what) {
  if (!what.empty()) throw std::runtime_error(what);
  co_return 0;
}
inline Task<> failing(std::string what) { (void)co_await thrown(std::move(what)); }

// Who stands in the queue first, as soon as anybody does; nobody for a long time: nullptr.
inline std::coroutine_handle<> next_in(ReadyQueue& queue) {
  std::coroutine_handle<> handle;
  (void)testing::eventually([&] { return (handle = queue.pop()) != nullptr; });
  return handle;
}

#ifndef REACTOR_IS_THE_EXECUTORS  // up to h it runs on a thread of its own

// When this returns, the reactor has handled all events that came before. (First in, first out.)
inline void let_the_reactor_catch_up() {
  Task<int> nobody = value_of(0);
  Source source;
  ReadyQueue queue;
  Registration registration = Reactor::current().add(source.fd(), "the last one");
  REQUIRE(REGISTRATION_WAITS(registration, nobody.handle(), queue));
  source.make_ready();
  REQUIRE(next_in(queue) == nobody.handle());
}

#endif

// How far apart the stack frames of its callers were. (Not the addresses of locals:
// AddressSanitizer keeps those elsewhere.)
class Reach {
 public:
  void look() {
    auto address = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    least_ = std::min(least_, address);
    most_ = std::max(most_, address);
  }
  [[nodiscard]] std::uintptr_t bytes() const { return most_ - least_; }

 private:
  std::uintptr_t least_ = UINTPTR_MAX, most_ = 0;
};

#ifndef TASKS_ARE_GIVEN  // by a suite of which nothing can break these: another one judges them

TEST_CASE("a task does nothing before it is awaited, and is destroyed unstarted") {
  bool begun = false;
  auto body = [&]() -> Task<int> {
    begun = true;
    co_return 1;
  };
  {
    Task<int> dropped = body();
  }
  CHECK_FALSE(begun);
  run_body([&]() -> Task<> {
    Task<int> task = body();
    CHECK_FALSE(begun);
    CHECK(co_await std::move(task) == 1);
    CHECK(begun);
  });
}

TEST_CASE("results of every kind come to whoever awaits: an int, a pointer that moves, nothing") {
  run_body([&]() -> Task<> {
    CHECK(co_await value_of(7) == 7);
    auto pointer = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
    std::unique_ptr<int> eight = co_await pointer();
    CHECK(*eight == 8);
    bool done = false;
    auto nothing = [&]() -> Task<> {
      done = true;
      co_return;
    };
    co_await nothing();
    CHECK(done);
  });
}

TEST_CASE("an exception comes out where the task is awaited, and the coroutine can go on") {
  run_body([&]() -> Task<> {
    Counted local;
    bool caught = false;
    try {
      (void)co_await thrown("on purpose");
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "on purpose";
    }
    CHECK(caught);
    CHECK(co_await value_of(3) == 3);
  });
}

TEST_CASE("an exception goes up through ten levels, and every local is destroyed") {
  std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
    Counted local;
    if (depth == 0) co_return co_await thrown("deep");
    co_return co_await level(depth - 1);
  };
  run_body([&]() -> Task<> {
    bool caught = false;
    try {
      (void)co_await level(10);
    } catch (const std::runtime_error&) {
      caught = true;
    }
    CHECK(caught);
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("a reference to a local, and a parameter by value, live across a wait") {
  Source source;
  Reactor reactor;
  run_body([&]() -> Task<> {
    Registration registration = reactor.add(source.fd(), "source");
    auto body = [&](std::string parameter) -> Task<std::string> {
      std::string local = "local";
      std::string& reference = local;
      source.make_ready();
      co_await UntilReady(registration);
      reference += " and " + parameter;
      co_return local;
    };
    CHECK(co_await body("parameter") == "local and parameter");
  });
}

// (First a few, which a stack has room for, whoever resumes whom.)
TEST_CASE("a million awaits that complete at once do not grow the stack") {
  Reach reach;
  auto one = [&]() -> Task<int> {
    reach.look();
    co_return 1;
  };
  for (int awaits : {2'000, 1'000'000}) {
    int sum = 0;
    run_body([&]() -> Task<> {
      for (int i = 0; i < awaits; ++i) sum += co_await one();
    });
    CHECK(sum == awaits);
    REQUIRE(reach.bytes() < 64 * 1024);
  }
}

TEST_CASE("a chain of a million tasks does not grow the stack") {
  Reach reach;
  std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
    reach.look();
    int below = 0;
    if (depth > 0) below = co_await level(depth - 1);
    reach.look();
    co_return below + 1;
  };
  for (int tasks :
       {2'000, 1'000'000}) {  // the short one first: without the loop the long one is a crash
    run_body([&]() -> Task<> { CHECK(co_await level(tasks) == tasks + 1); });
    REQUIRE(reach.bytes() < 64 * 1024);
  }
}

#ifndef WORKERS_STEAL  // from k on there is no order

TEST_CASE("spawned tasks begin in their order, each as a task of its own") {
  std::vector<int> order;
  auto note = [&](int number) -> Task<> {
    order.push_back(number);
    co_return;
  };
  run_body([&]() -> Task<> {
    for (int i = 1; i <= 3; ++i) spawn(note(i));
    CHECK(order.empty());  // not inside of spawn()
    co_return;
  });
  CHECK(order == std::vector<int>{1, 2, 3});
}

#endif

TEST_CASE("what a task throws ends that task only, and the first exception comes out of run()") {
  Executor executor;
  int ended = 0;
  auto fine = [&]() -> Task<> {
    Counted local;
    ++ended;
    co_return;
  };
  executor.spawn(failing("first"));
  executor.spawn(failing("second"));
  executor.spawn(fine());
  CHECK_THROWS_WITH_AS(executor.run(), "first", std::runtime_error);
  CHECK(ended == 1);
  executor.spawn(fine());
  executor.run();
  CHECK(ended == 2);
  CHECK(Counted::alive == 0);
}

TEST_CASE("a task that has not ended is dropped with its executor, and so is all that it has") {
  Source source;
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  {
    Executor executor;
    auto waits = [&]() -> Task<> {
      Counted local;
      Registration registration = reactor.add(source.fd(), "source");
      co_await UntilReady(registration);
    };
    auto outer = [&]() -> Task<> {
      Counted local;
      spawn(waits());
      co_await waits();
    };
    {
      Task<> never_begun = outer();
    }
    executor.spawn(outer());
    // It is never run: what stands in its queue is dropped with it.
  }
  CHECK(Counted::alive == 0);
  CHECK(testing::open_descriptors() == descriptors);
}

TEST_CASE("spawn() outside of run(), and run() inside of run(), are errors that change nothing") {
  Executor executor, other;
  CHECK_THROWS_AS(spawn(failing("never")), std::logic_error);
  CHECK_THROWS_AS(Executor::current(), std::logic_error);
  bool after = false;
  auto body = [&]() -> Task<> {
    CHECK(&Executor::current() == &executor);
    CHECK_THROWS_AS(executor.run(), std::logic_error);
    CHECK_THROWS_AS(other.run(), std::logic_error);
    CHECK(&Executor::current() == &executor);
    after = true;
    co_return;
  };
  executor.spawn(body());
  executor.run();
  CHECK(after);
  CHECK_THROWS_AS(Executor::current(), std::logic_error);
}

TEST_CASE("writing to a peer that has gone is an error, and not the end of the process") {
  Peer gone([](net::TcpStream) {});
  Reactor reactor;
  run_body([&]() -> Task<> {
    Socket socket = co_await Socket::connect(gone.address(), "gone");
    std::error_code error;
    try {
      // The first bytes may still be taken; they are answered by a reset. Then SIGPIPE would come.
      for (int i = 0; i < 1'000'000; ++i) co_await socket.write("is anybody there? ");
    } catch (const std::system_error& failed) {
      error = failed.code();
    }
    bool broken = error == std::errc::broken_pipe || error == std::errc::connection_reset;
    CHECK(broken);
  });
}

#endif
#ifndef REACTOR_IS_GIVEN

TEST_CASE("what happens to a source before anybody waits for it is kept: once") {
  Source source, other;
  Reactor reactor;
  int rounds = 0;
  auto later = [&]() -> Task<> {
    CHECK(rounds == 1);  // the second wait has not ended by what the first one had
    source.make_ready();
    co_return;
  };
  run_body([&]() -> Task<> {
    Registration registration = reactor.add(source.fd(), "source");
    Registration of_other = reactor.add(other.fd(), "other");
    source.make_ready();
    other.make_ready();
    co_await UntilReady(
        of_other);  // so the reactor has handled the first, too: first in, first out
    co_await UntilReady(registration);
    ++rounds;
    spawn(later());
    co_await UntilReady(registration);
    ++rounds;
  });
  CHECK(rounds == 2);
}

TEST_CASE("two hundred coroutines wait for a source each, and each is resumed once for its own") {
  constexpr std::size_t count = 200;
  std::vector<Source> sources(count);
  std::vector<int> resumed(count);
  Reactor reactor;
  auto wait_for = [&](std::size_t i) -> Task<> {
    Counted local;
    Registration registration = reactor.add(sources[i].fd(), "source");
    co_await UntilReady(registration);
    ++resumed[i];
    if (i + 1 < count) sources[i + 1].make_ready();
  };
  auto begin = [&]() -> Task<> {
    sources[0].make_ready();
    co_return;
  };
  run_body([&]() -> Task<> {
    for (std::size_t i = 0; i < count; ++i) spawn(wait_for(i));
    spawn(begin());
    co_return;
  });
  CHECK(resumed == std::vector<int>(count, 1));
}

TEST_CASE("a registration that has ended is told nothing, and its descriptor can be used again") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    for (int i = 0; i < 100; ++i) {
      Source source;
      Registration registration = reactor.add(source.fd(), "source");
      source.make_ready();
      if (i % 2 == 0) co_await UntilReady(registration);  // else it ends with its event on the way
    }
  });
}

#ifndef REACTOR_IS_THE_EXECUTORS

TEST_CASE("a process has one reactor at a time, and can start it again; nothing is left") {
  std::size_t descriptors = testing::open_descriptors();
  for (int i = 0; i < 3; ++i) {
    Reactor reactor;
    CHECK_THROWS_AS(Reactor(), std::logic_error);
    run_body([&]() -> Task<> {
      Source source;
      Registration registration = reactor.add(source.fd(), "source");
      source.make_ready();
      co_await UntilReady(registration);
    });
  }
  CHECK(testing::open_descriptors() == descriptors);
  CHECK_THROWS_AS(Reactor::current(), std::logic_error);
}

#endif

TEST_CASE("requests of several tasks are in flight at once") {
  Delayserver server;
  Reactor reactor;
  std::vector<std::string> bodies;
  auto fetch = [&](int i) -> Task<> {
    Counted local;
    bodies.push_back(co_await get(server.address(), "hello-" + std::to_string(i), (5 - i) * 30ms));
  };
  run_body([&]() -> Task<> {
    for (int i = 0; i < 5; ++i) spawn(fetch(i));
    co_return;
  });
  CHECK(bodies.size() == 5);
  CHECK(server.stats().peak_in_flight == 5);
}

TEST_CASE("a request: lazy; errors come out where it is awaited; a long answer is put together") {
  Delayserver server;
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  run_body([&]() -> Task<> {
    {
      Task<std::string> never_asked = get(server.address(), "nobody", 0ms);
    }
    bool refused = false;
    try {
      (void)co_await get(net::Address::parse("127.0.0.1:1"), "refused", 0ms);
    } catch (const std::system_error& error) {
      refused = error.code() == std::errc::connection_refused;
    }
    CHECK(refused);
    std::string long_answer = co_await get(server.address(), "long?fill=300000", 0ms);
    CHECK(long_answer.size() >= 300000);
    CHECK(co_await get(server.address(), "short", 20ms) == "short");
  });
  CHECK(server.stats().served == 2);
  CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
}

TEST_CASE("a server that hangs up early is an error of its request only") {
  Peer early([](net::TcpStream stream) { testing::read_request(stream); });
  Delayserver server;
  Reactor reactor;
  run_body([&]() -> Task<> {
    bool failed = false;
    try {
      (void)co_await get(early.address(), "early", 0ms);
    } catch (const http::ParseError&) {
      failed = true;
    }
    CHECK(failed);
    CHECK(co_await get(server.address(), "fine", 20ms) == "fine");
  });
}

#endif
