// The suite of ch05/e-fibers-io. What fibers promise without waiting for anything is checked by the
// suites of the stages before.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "net/tcp_listener.hpp"
#include "net/tcp_stream.hpp"
#include "runtime.hpp"
#include "source.hpp"
#include "tcp_stream.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Faults;

namespace {

// Runs each of them as a fiber, until all have returned. None may leave a descriptor open.
template <class... Functions>
void run_fibers(Functions... functions) {
  std::size_t before = testing::open_descriptors();
  {
    Runtime runtime;
    (runtime.spawn(std::move(functions)), ...);
    runtime.run();
  }
  CHECK(testing::open_descriptors() == before);
}

// For a fiber: lets the others go on until the condition holds; false if it never does.
template <class Condition>
bool soon(Condition condition) {
  Clock::time_point end = Clock::now() + testing::patience_with_stages();
  while (!condition()) {
    if (Clock::now() > end) return false;
    yield();
  }
  return true;
}

net::Address any_port() { return net::Address::parse("127.0.0.1:0"); }

// A connection of ours, and its other end, which does what a case says, and blocks.
struct Connection {
  TcpStream ours;
  net::TcpStream theirs;
};
// Shared by all fibers that use it: it must not end while one of them still waits for it.
std::shared_ptr<Connection> connection() {
  TcpListener listener(any_port());
  net::TcpStream theirs = net::TcpStream::connect(listener.address());
  return std::make_shared<Connection>(Connection{listener.accept(), std::move(theirs)});
}

// What one read() returns.
std::string read_some(TcpStream& stream) {
  std::array<char, 1000> buffer;
  return {buffer.data(), stream.read(buffer)};
}
std::string read_some(net::TcpStream& stream) {
  std::array<char, 1000> buffer;
  return {buffer.data(), stream.read(buffer).value()};
}

// What a call throws: "" if nothing.
template <class Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "";
}

// From now on a close() sends no end, but a reset.
void reset_at_close(const net::TcpStream& stream) {
  linger at_once{1, 0};
  REQUIRE(::setsockopt(stream.fd().get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

// More than there is room for on the way to somebody who does not read.
const std::size_t too_much = std::size_t{16} << 20;
std::string pattern(std::size_t size) {
  std::string bytes(size, ' ');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 1000);
  return bytes;
}

// Reads this much of `stream`, which blocks, without ever blocking.
std::string take(net::TcpStream& stream, std::size_t size) {
  std::string bytes(size, ' ');
  std::size_t count = 0;
  REQUIRE(soon([&] {
    ssize_t more = ::recv(stream.fd().get(), &bytes[count], size - count, MSG_DONTWAIT);
    if (more > 0) count += static_cast<std::size_t>(more);
    return count == size;
  }));
  return bytes;
}

// An address where nobody answers: it listens, but with room for one connection that waits to be
// accepted, and that place is taken. Linux drops what comes then, as a firewall would.
class SilentPeer {
 public:
  SilentPeer() {
    REQUIRE(::listen(listener_.fd().get(), 0) == 0);  // again, with less room
    taken_.emplace(net::TcpStream::connect(address()));
    pollfd waiting{listener_.fd().get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
  }
  [[nodiscard]] net::Address address() const { return listener_.address(); }

 private:
  net::TcpListener listener_ = net::TcpListener::bind(any_port());
  std::optional<net::TcpStream> taken_;
};

net::Fd counter() { return net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"); }
void make_readable(int number) { REQUIRE(::eventfd_write(number, 1) == 0); }

// Waits in one fiber, until another has had some turns and then ends that with `release`.
template <class Wait, class Release>
void check_parks_alone(Wait wait, Release release) {
  struct State {
    bool begun = false, done = false, over = false;
  };
  auto state = std::make_shared<State>();
  spawn([state, release] {
    REQUIRE(soon([&] { return state->begun; }));
    for (int turn = 0; turn < 5; ++turn) yield();
    CHECK_FALSE(state->done);
    release();
    CHECK(soon([&] { return state->done; }));
    state->over = true;
  });
  state->begun = true;
  wait();
  state->done = true;
  REQUIRE(soon([&] { return state->over; }));
}

// Others have several turns during one such wait, which ends by itself. (On a busy machine it may
// be over before they can: then it is tried again.)
template <class Wait>
void check_turns_of_others(Wait wait) {
  int turns = 0, most = 0;
  bool over = false;
  run_fibers(
      [&] {
        for (int i = 0; i < 10 && most < 5; ++i) {
          turns = 0;
          wait();
          most = std::max(most, turns);
        }
        over = true;
      },
      [&] {
        while (!over) ++turns, yield();
      });
  CHECK(most >= 5);
}

constexpr bool sanitized = COURSE_ADDRESS_SANITIZER || COURSE_THREAD_SANITIZER;

// The other end of `count` connections, in a process of its own, which has that many descriptors
// more: answers nobody before all have asked.
[[noreturn]] void answer_all_at_once(net::TcpListener& listener, std::size_t count) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<net::TcpStream> all;
  while (all.size() < count) {
    pollfd ready{listener.fd().get(), POLLIN, 0};
    if (::poll(&ready, 1, -1) == -1) ::_exit(1);
    while (std::optional<net::TcpStream> stream = listener.accept())
      all.push_back(std::move(*stream));
  }
  char byte;
  for (net::TcpStream& stream : all)
    if (stream.read({&byte, 1}) != 1U) ::_exit(1);
  for (net::TcpStream& stream : all) stream.write_all("!");
  ::_exit(0);
}

}  // namespace

TEST_CASE("a fiber that reads parks alone: the others go on until its bytes arrive") {
  run_fibers([] {
    auto c = connection();
    check_parks_alone([c] { CHECK(read_some(c->ours) == "ping"); },
                      [c] { c->theirs.write_all("ping"); });
  });
}

TEST_CASE("a fiber that accepts parks alone, until somebody connects") {
  std::optional<net::TcpStream> theirs;
  run_fibers([&] {
    auto listener = std::make_shared<TcpListener>(any_port());
    check_parks_alone(
        [&, listener] {
          TcpStream ours = listener->accept();
          ours.write_all("ping");
        },
        [&, listener] { theirs.emplace(net::TcpStream::connect(listener->address())); });
    CHECK(read_some(*theirs) == "ping");
    theirs.reset();
  });
}

TEST_CASE("a fiber that connects parks alone, and gives up at its timeout") {
  SilentPeer silent;
  check_turns_of_others([&] {
    CHECK(error_of([&] { (void)TcpStream::connect(silent.address(), 30ms); }) ==
          "connect: Connection timed out");
  });
}

TEST_CASE(
    "a fiber that writes parks alone where there is no more room, and goes on when there is") {
  const std::string bytes = pattern(too_much);
  std::string taken;
  run_fibers([&] {
    auto c = connection();
    check_parks_alone([&, c] { c->ours.write_all(bytes); },
                      [&, c] { taken = take(c->theirs, too_much); });
    bool the_same = taken == bytes;
    CHECK(the_same);
  });
}

TEST_CASE("a fiber that sleeps parks alone, and for as long as it says at least") {
  check_turns_of_others([] {
    Clock::time_point begin = Clock::now();
    sleep_for(30ms);
    CHECK(Clock::now() - begin >= 30ms);
  });
}

TEST_CASE("read() returns what is there, in order, whatever the pieces, and 0 at the end") {
  const std::string bytes = pattern(3000);
  run_fibers([&] {
    auto c = connection();
    c->theirs.write_all("three");  // and the buffer holds a thousand
    CHECK(read_some(c->ours) == "three");
    spawn([&, c] {
      for (std::size_t i = 0; i < bytes.size(); i += 1500, yield())
        c->theirs.write_all(std::string_view(bytes).substr(i, 1500));
      (void)::shutdown(c->theirs.fd().get(), SHUT_WR);
    });
    std::string all;
    for (std::string some; !(some = read_some(c->ours)).empty();) all += some;
    bool the_same = all == bytes;
    CHECK(the_same);
    CHECK(read_some(c->ours) == "");  // it still is the end
    c->ours.write_all("pong");        // of one direction only
    CHECK(read_some(c->theirs) == "pong");
  });
}

TEST_CASE("signals and single bytes change nothing (pistache issue 565: EINTR ended the loop)") {
  Faults faults(
      "read*:short write*:short read*:every:EINTR write*:every:EINTR accept4*:every:EINTR "
      "epoll_wait*:every:EINTR");
  run_fibers([] {
    auto listener = std::make_shared<TcpListener>(any_port());
    spawn([listener] {
      TcpStream stream = listener->accept();
      for (std::string all; all != "ping";) all += read_some(stream);
      stream.write_all("pong");
    });
    TcpStream stream = TcpStream::connect(listener->address());
    sleep_for(1ms);
    stream.write_all("ping");
    std::string all;
    for (std::string some; !(some = read_some(stream)).empty();) all += some;
    CHECK(all == "pong");
  });
}

TEST_CASE("an interrupted connect() is no error: it goes on by itself") {
  SilentPeer silent;
  run_fibers([&] {
    // What a fault hits is not carried out, so nothing is on its way, and the end is open.
    Faults faults("connect:1:EINTR");
    std::string error = error_of([&] { (void)TcpStream::connect(silent.address(), 10ms); });
    CHECK(error.find("Interrupted") == std::string::npos);
  });
}

TEST_CASE("of two fibers on one connection one reads and one writes, each in its own time") {
  const std::string bytes = pattern(too_much);
  bool written = false, answered = false;
  run_fibers([&] {
    auto c = connection();
    spawn([&, c] {
      c->ours.write_all(bytes);
      written = true;
    });
    spawn([&, c] {
      CHECK(read_some(c->ours) == "first");
      answered = true;
      CHECK(read_some(c->ours) == "second");
      answered = false;
    });
    for (int turn = 0; turn < 5; ++turn) yield();
    c->theirs.write_all("first");
    REQUIRE(soon([&] { return answered; }));
    CHECK_FALSE(written);
    bool the_same = take(c->theirs, too_much) == bytes;
    CHECK(the_same);
    REQUIRE(soon([&] { return written; }));
    CHECK(answered);
    c->theirs.write_all("second");
    REQUIRE(soon([&] { return !answered; }));
  });
}

TEST_CASE("a second fiber that would wait for the same is told so, and the first one is not hurt") {
  bool read = false, written = false;
  run_fibers([&] {
    auto c = connection();
    spawn([&, c] {
      CHECK(read_some(c->ours) == "ping");
      read = true;
    });
    spawn([&, c] {
      c->ours.write_all(pattern(too_much));
      written = true;
    });
    for (int turn = 0; turn < 5; ++turn) yield();
    CHECK_THROWS_AS(read_some(c->ours), std::logic_error);
    auto fill_up = [&] {  // what room there may be again
      while (c->ours.write("x") > 0) {
      }
    };
    CHECK_THROWS_AS(fill_up(), std::logic_error);
    c->theirs.write_all("ping");
    (void)take(c->theirs, too_much);
    REQUIRE(soon([&] { return read && written; }));
    c->theirs.write_all("once more");
    CHECK(read_some(c->ours) == "once more");
  });
}

TEST_CASE("a connection that breaks is an error of the fibers that wait there, and of no other") {
  bool told = false;
  int gone_on = 0;
  run_fibers([&] {
    auto broken = connection(), whole = connection(), shared = connection();
    spawn([&, whole] {
      CHECK(read_some(whole->ours) == "ping");
      told = true;
    });
    spawn([&, shared] {  // of these two the first one is told, the other finds the end
      (void)error_of([&] { read_some(shared->ours); });
      ++gone_on;
    });
    spawn([&, shared] {
      (void)error_of([&] { shared->ours.write_all(pattern(too_much)); });
      ++gone_on;
    });
    spawn([broken, shared] {
      for (net::TcpStream* stream : {&broken->theirs, &shared->theirs}) {
        reset_at_close(*stream);
        (void)net::TcpStream(std::move(*stream));
      }
    });
    CHECK_THROWS_WITH_AS(read_some(broken->ours), doctest::Contains(": Connection reset by peer"),
                         std::system_error);
    REQUIRE(soon([&] { return gone_on == 2; }));
    CHECK_FALSE(told);
    whole->theirs.write_all("ping");
    REQUIRE(soon([&] { return told; }));
  });
}

TEST_CASE("a refused connection is an error of the fiber that connects, and of no other") {
  run_fibers(
      [] {
        CHECK(error_of([] { (void)TcpStream::connect(testing::nobody()); }) ==
              "connect: Connection refused");
      },
      [] {
        auto c = connection();
        TcpListener listener(any_port());
        TcpStream stream = TcpStream::connect(listener.address());
        stream.write_all("ping");
        TcpStream other = listener.accept();
        CHECK(read_some(other) == "ping");
      });
}

TEST_CASE("writing to somebody who is gone is an error, not a signal (cpp-httplib 77)") {
  std::signal(SIGPIPE, SIG_DFL);
  run_fibers([] {
    auto c = connection();
    (void)net::TcpStream(std::move(c->theirs));
    auto write_on = [&] {
      while (c->ours.write("x") > 0) yield();
    };
    CHECK_THROWS_WITH_AS(write_on(), doctest::Contains(": Broken pipe"), std::system_error);
  });
}

TEST_CASE("a timeout is ETIMEDOUT for its fiber only, and the connection can be used afterwards") {
  bool told = false;
  run_fibers([&] {
    auto hasty = connection(), patient = connection();
    spawn([&, patient] {
      CHECK(read_some(patient->ours) == "for the patient");
      told = true;
    });
    hasty->ours.set_timeout(10ms);
    for (int i = 0; i < 2; ++i)
      CHECK(error_of([&] { read_some(hasty->ours); }) == "read: Connection timed out");
    CHECK_FALSE(told);
    hasty->ours.set_timeout(TcpStream::none);
    spawn([hasty] { hasty->theirs.write_all("for the hasty"); });
    CHECK(read_some(hasty->ours) == "for the hasty");
    patient->theirs.write_all("for the patient");
    REQUIRE(soon([&] { return told; }));
  });
}

TEST_CASE("a write that finds no room in time is ETIMEDOUT, and goes on later") {
  const std::string bytes = pattern(too_much);
  std::size_t count = 0;
  run_fibers([&] {
    auto c = connection();
    c->ours.set_timeout(10ms);
    std::string error = error_of([&] {
      while (count < bytes.size()) count += c->ours.write(std::string_view(bytes).substr(count));
    });
    CHECK(error.ends_with(": Connection timed out"));
    c->ours.set_timeout(TcpStream::none);
    spawn([&, c] { c->ours.write_all(std::string_view(bytes).substr(count)); });
    bool the_same = take(c->theirs, bytes.size()) == bytes;
    CHECK(the_same);
  });
}

TEST_CASE("the timeout is for write_all() as a whole, not for each piece that finds room") {
  run_fibers([] {
    auto c = connection();
    auto over = std::make_shared<bool>(false);
    spawn([c, over] {  // takes some of it again and again, and so there is room again and again
      std::string some(1 << 20, ' ');
      for (; !*over; sleep_for(5ms))
        (void)::recv(c->theirs.fd().get(), some.data(), some.size(), MSG_DONTWAIT);
    });
    c->ours.set_timeout(200ms);
    std::string bytes(4 * too_much, ' ');
    CHECK(error_of([&] { c->ours.write_all(bytes); }).ends_with(": Connection timed out"));
    *over = true;
  });
}

TEST_CASE("the timeout of connect() ends with it: what comes later may take longer") {
  run_fibers([] {
    std::optional<TcpListener> listener;
    std::optional<TcpStream> ours;
    while (!ours) {  // on a slow machine
      listener.emplace(any_port());
      (void)error_of([&] { ours.emplace(TcpStream::connect(listener->address(), 30ms)); });
    }
    spawn([theirs = listener->accept()]() mutable {
      sleep_for(60ms);
      theirs.write_all("ping");
    });
    std::string got;
    CHECK(error_of([&] { got = read_some(*ours); }) == "");
    CHECK(got == "ping");
  });
}

TEST_CASE("a timeout of nothing takes what is there, and does not wait") {
  run_fibers([] {
    auto c = connection();
    for (auto timeout :
         {TcpStream::Timeout(0), TcpStream::Timeout(-5), TcpStream::Timeout::min()}) {
      c->ours.set_timeout(timeout);
      CHECK(error_of([&] { read_some(c->ours); }) == "read: Connection timed out");
      c->theirs.write_all("ping");
      std::string got;
      REQUIRE(soon([&] { return error_of([&] { got = read_some(c->ours); }) == ""; }));
      CHECK(got == "ping");
    }
  });
}

TEST_CASE(
    "an arrival and a deadline in one round let the fiber go on once (libmill 132: a timeout "
    "resumed "
    "one that had gone on)") {
  bool busy = false;
  run_fibers([&] {
    auto c = connection();
    spawn([&, c] {  // keeps everybody until both are due
      busy = true;
      c->theirs.write_all("ping");
      Clock::time_point end = Clock::now() + 20ms;
      while (Clock::now() < end) {
      }
    });
    c->ours.set_timeout(10ms);
    std::string got;
    if (std::string error = error_of([&] { got = read_some(c->ours); }); !error.empty()) {
      CHECK(error == "read: Connection timed out");
      got = read_some(c->ours);
    }
    CHECK(busy);
    CHECK(got == "ping");
    // Whoever resumes it once more ends one of these too early.
    for (int i = 0; i < 3; ++i) {
      Clock::time_point begin = Clock::now();
      sleep_for(10ms);
      CHECK(Clock::now() - begin >= 10ms);
    }
  });
}

TEST_CASE("the deadline of a wait that is over does not disturb the next one") {
  run_fibers([] {
    auto c = connection();
    spawn([c] {
      c->theirs.write_all("first");
      sleep_for(60ms);
      c->theirs.write_all("second");
    });
    c->ours.set_timeout(30ms);
    std::string got;
    while (got.empty()) (void)error_of([&] { got = read_some(c->ours); });  // on a slow machine
    CHECK(got == "first");
    c->ours.set_timeout(TcpStream::none);
    CHECK(error_of([&] { got = read_some(c->ours); }) == "");
    CHECK(got == "second");
  });
}

TEST_CASE(
    "who comes between a deadline and the fiber that it wakes is told so, or waits for good") {
  struct Shared {
    net::Fd fd = counter();
    Source source{fd};
    Clock::time_point begin;
    bool over = false;
  };
  run_fibers([] {
    auto shared = std::make_shared<Shared>();
    spawn([shared] {  // is woken in the same round as the one that waits, and goes on first
      shared->begin = Clock::now();
      (void)Runtime::of_this_fiber().park(shared->begin + 1ms);
      try {
        shared->source.wait_readable(never, "wait");
      } catch (const std::logic_error&) {
      }
      shared->over = true;
    });
    spawn([shared] {
      CHECK(error_of([&] { shared->source.wait_readable(shared->begin + 2ms, "wait"); }) ==
            "wait: Connection timed out");
      make_readable(shared->fd.get());
      REQUIRE(soon([&] { return shared->over; }));
    });
    spawn([shared] {  // keeps everybody until both are due
      while (Clock::now() < shared->begin + 20ms) {
      }
    });
  });
}

TEST_CASE("something that arrives in every round does not keep back those whose time has come") {
  struct Shared {
    net::Fd fd = counter();  // a write is there at once; on a connection it may take a round
    Source source{fd};
    bool slept = false;
  };
  run_fibers([] {
    auto shared = std::make_shared<Shared>();
    spawn([shared] {
      sleep_for(10ms);
      shared->slept = true;
    });
    spawn([shared] {
      while (!shared->slept) shared->source.wait_readable(never, "wait");
    });
    REQUIRE(soon([&] {
      make_readable(shared->fd.get());
      return shared->slept;
    }));
  });
}

TEST_CASE("those that sleep are woken in the order of their deadlines") {
  std::vector<int> order;
  auto sleeper = [&](int milliseconds) {
    return [&order, milliseconds] {
      sleep_for(std::chrono::milliseconds(milliseconds));
      order.push_back(milliseconds);
    };
  };
  run_fibers(sleeper(60), sleeper(20), sleeper(40), sleeper(0), sleeper(-1000));
  REQUIRE(order.size() == 5);
  CHECK(std::vector<int>(order.begin() + 2, order.end()) == std::vector<int>{20, 40, 60});
  order.clear();
  auto busy = [] {
    Clock::time_point end = Clock::now() + 20ms;
    while (Clock::now() < end) {
    }
  };
  run_fibers(sleeper(15), sleeper(5), sleeper(10), busy);  // now all are due in the same round
  CHECK(order == std::vector<int>{5, 10, 15});
}

TEST_CASE("a sleep may be shorter than nothing, or last for ever") {
  Runtime runtime;
  bool forever = false;
  std::string steps;
  constexpr auto longest = std::chrono::milliseconds::max();
  for (auto time : {longest, longest - 1ms, longest / 1000})
    runtime.spawn([&forever, time] {
      sleep_for(time);
      forever = true;
    });
  runtime.spawn([&] {
    for (auto time : {0ms, -1ms, std::chrono::milliseconds::min()}) {
      steps += "s";
      sleep_for(time);
    }
    throw std::runtime_error("enough");
  });
  runtime.spawn([&] {
    for (int i = 0; i < 3; ++i) steps += "y", yield();
  });
  CHECK_THROWS_WITH_AS(runtime.run(), "enough", std::runtime_error);
  CHECK_FALSE(forever);
  INFO("s: before a sleep; y: another fiber's turn: ", steps);
  CHECK(steps.find("ss") == std::string::npos);
}

TEST_CASE("a fiber that is always ready does not starve those that wait (tokio issue 2542)") {
  bool read = false, slept = false;
  run_fibers([&] {
    auto c = connection();
    spawn([&, c] {
      (void)read_some(c->ours);
      read = true;
    });
    spawn([&] {
      sleep_for(10ms);
      slept = true;
    });
    yield();
    c->theirs.write_all("ping");
    REQUIRE(soon([&] { return read && slept; }));
  });
}

TEST_CASE("where nobody is ready the thread sleeps, and wakes up as often as something happens") {
  testing::Peer echo([](net::TcpStream stream) {
    for (std::string some; !(some = read_some(stream)).empty();) stream.write_all(some);
  });
  std::size_t before = testing::calls("epoll_wait*");
  run_fibers([&] {
    for (int i = 0; i < 20; ++i) sleep_for(1ms);  // less than one, when the queue is asked
  });
  CHECK(testing::calls("epoll_wait*") - before <= 60);
  before = testing::calls("epoll_wait*");
  std::size_t reads = testing::calls("read*");
  Runtime runtime;  // (Descriptors can't be counted: the peer's come and go.)
  runtime.spawn([&] {
    TcpStream stream = TcpStream::connect(echo.address());
    stream.set_timeout(1h);
    spawn([] { sleep_for(20ms); });
    for (int i = 0; i < 20; ++i) {
      stream.write_all("ping");
      CHECK(read_some(stream) == "ping");
    }
  });
  runtime.run();
  CHECK(testing::calls("epoll_wait*") - before <= 100);
  CHECK(testing::calls("read*") - reads <= 100);
}

TEST_CASE("all connections that wait are accepted, though they were one event (mio issue 845)") {
  std::size_t accepted = 0;
  std::vector<net::TcpStream> theirs;
  run_fibers([&] {
    auto listener = std::make_shared<TcpListener>(any_port());
    spawn([&, listener] {
      for (; accepted < 6; ++accepted) (void)listener->accept();
    });
    for (std::size_t some : {3U, 6U}) {
      yield();
      while (theirs.size() < some) theirs.push_back(net::TcpStream::connect(listener->address()));
      REQUIRE(soon([&] { return accepted == some; }));
    }
    theirs.clear();
  });
}

TEST_CASE("accept() says that descriptors have run out, and works again when there are some") {
  run_fibers([] {
    TcpListener listener(any_port());
    net::TcpStream theirs = net::TcpStream::connect(listener.address());
    {
      Faults faults("accept4*:1:EMFILE");
      CHECK_THROWS_WITH_AS(listener.accept(), doctest::Contains(": Too many open files"),
                           std::system_error);
    }
    TcpStream ours = listener.accept();
    ours.write_all("ping");
    CHECK(read_some(theirs) == "ping");
  });
}

TEST_CASE(
    "a closed descriptor is forgotten, though a copy lives and its number is used again (libdill "
    "129, moonbitlang/async 571)") {
  run_fibers([] {
    net::Fd first = counter();
    int number = first.get();
    net::Fd copy = net::Fd::checked(::dup(number), "dup");
    {
      Source source(first);
    }
    first.close();
    net::Fd second = counter();
    REQUIRE(second.get() == number);
    Source source(second);
    make_readable(copy.get());
    CHECK(error_of([&] { source.wait_readable(Clock::now() + 20ms, "wait"); }) ==
          "wait: Connection timed out");
  });
}

TEST_CASE("a source that ends while its event is at hand wakes nobody, not even its successor") {
  run_fibers([] {
    net::Fd a = counter(), b = counter();
    Source of_a(a);
    auto of_b = std::make_unique<Source>(b);
    spawn([one = a.get(), other = b.get()] {
      make_readable(one);
      make_readable(other);
    });
    of_a.wait_readable(never, "wait");
    of_b.reset();
    b.close();
    net::Fd c = counter();
    Source of_c(c);
    CHECK(error_of([&] { of_c.wait_readable(Clock::now() + 20ms, "wait"); }) ==
          "wait: Connection timed out");
  });
}

TEST_CASE("who waits to read is not woken because there is room to write") {
  run_fibers([] {
    net::Fd fd = counter();  // always writable
    Source source(fd);
    CHECK(error_of([&] { source.wait_readable(Clock::now() + 10ms, "wait"); }) ==
          "wait: Connection timed out");
    make_readable(fd.get());
    source.wait_readable(never, "wait");
  });
}

TEST_CASE("a stream that moves while nobody waits takes its connection along") {
  std::vector<net::TcpStream> theirs;
  run_fibers([&] {
    std::vector<TcpStream> ours;
    for (int i = 0; i < 5; ++i) {
      auto c = connection();
      ours.push_back(std::move(c->ours));  // and those before move again
      theirs.push_back(std::move(c->theirs));
    }
    spawn([&] {
      for (net::TcpStream& stream : theirs) stream.write_all("ping");
    });
    for (TcpStream& stream : ours) CHECK(read_some(stream) == "ping");
    ours[0] = std::move(ours[1]);
    CHECK(read_some(theirs[0]) == "");  // what it was before is closed
    theirs[1].write_all("pong");
    CHECK(read_some(ours[0]) == "pong");
    theirs.clear();
  });
}

TEST_CASE("an exception comes out at once, though others are parked, and they go on later") {
  Runtime runtime;
  int number = -1;
  bool gone_on = false;
  runtime.spawn([&] {
    net::Fd fd = counter();
    number = fd.get();
    Source source(fd);
    source.wait_readable(never, "wait");
    gone_on = true;
  });
  for (std::string what : {"first", "second"})
    runtime.spawn([what] { throw std::runtime_error(what); });
  CHECK_THROWS_WITH_AS(runtime.run(), "first", std::runtime_error);
  CHECK_THROWS_WITH_AS(runtime.run(), "second", std::runtime_error);
  CHECK_FALSE(gone_on);
  make_readable(number);
  runtime.run();
  CHECK(gone_on);
}

TEST_CASE("an exception does not wait for those who are parked, not even the second one") {
  Runtime runtime;
  runtime.spawn([] { sleep_for(std::chrono::milliseconds::max()); });
  for (std::string what : {"first", "second"})
    runtime.spawn([what] { throw std::runtime_error(what); });
  CHECK_THROWS_WITH_AS(runtime.run(), "first", std::runtime_error);
  CHECK_THROWS_WITH_AS(runtime.run(), "second", std::runtime_error);
}

TEST_CASE("the end of a runtime unwinds whoever is parked, and closes what they have") {
  struct Counted {
    int& count;
    ~Counted() { ++count; }
  };
  std::size_t before = testing::open_descriptors();
  int parked = 0, unwound = 0, returned = 0;
  {
    SilentPeer silent;
    std::vector<net::TcpStream> theirs;
    {
      Runtime runtime;
      auto parks = [&](auto wait) {
        runtime.spawn([&, wait] {
          auto c = connection();
          theirs.push_back(std::move(c->theirs));
          Counted counted{unwound};
          ++parked;
          try {
            wait(c->ours);
          } catch (const std::exception&) {  // it is no error
          }
          ++returned;
        });
      };
      parks([](TcpStream& stream) { read_some(stream); });
      parks([](TcpStream& stream) { stream.write_all(pattern(too_much)); });
      parks([](TcpStream&) { (void)TcpListener(any_port()).accept(); });
      parks([&](TcpStream&) { (void)TcpStream::connect(silent.address()); });
      parks([](TcpStream&) { sleep_for(1h); });
      runtime.spawn([&] {
        REQUIRE(soon([&] { return parked == 5; }));
        for (int turn = 0; turn < 5; ++turn) yield();
        throw std::runtime_error("enough");
      });
      CHECK_THROWS_WITH_AS(runtime.run(), "enough", std::runtime_error);
      CHECK(unwound == 0);
    }
    CHECK(unwound == 5);
    CHECK(returned == 0);
    for (net::TcpStream& stream : theirs)
      while (!read_some(stream).empty()) {
      }
  }
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("who parks once more while the runtime ends, in a destructor, is woken once more") {
  struct Sleepy {
    bool& awake;
    ~Sleepy() {
      for (int i = 0; i < 2; ++i) sleep_for(5ms);
      awake = true;
    }
  };
  bool awake = false;
  {
    Runtime runtime;
    runtime.spawn([&] {
      Sleepy sleepy{awake};
      sleep_for(1h);
    });
    runtime.spawn([] { throw std::runtime_error("enough"); });
    CHECK_THROWS_WITH_AS(runtime.run(), "enough", std::runtime_error);
    CHECK_FALSE(awake);
  }
  CHECK(awake);
}

TEST_CASE("a connection ends without an error, whatever epoll_ctl() has to say") {
  run_fibers([] {
    auto c = connection();
    Faults faults("epoll_ctl:every:ENOMEM");
    c.reset();
  });
}

TEST_CASE("a call that fails is an error of whoever needed it, by its name") {
  {
    Faults faults("epoll_create1*:1:EMFILE");
    CHECK_THROWS_WITH_AS(Runtime(), doctest::Contains("epoll_create"), std::system_error);
  }
  run_fibers([] {  // and this thread may still have one
    TcpListener listener(any_port());
    auto connect = [&] { (void)TcpStream::connect(listener.address()); };
    for (std::string call : {"socket", "connect", "epoll_ctl"}) {
      Faults faults(call + ":1:ENOSPC");
      CHECK(error_of(connect) == call + ": No space left on device");
    }
    // Somebody to accept: a connect() that registers first has not reached the listener.
    net::TcpStream theirs = net::TcpStream::connect(listener.address());
    while (error_of([&] {
             Faults faults("epoll_ctl:1:ENOSPC");
             (void)listener.accept();
           }) != "epoll_ctl: No space left on device") {
    }
    Faults faults("epoll_ctl:1:ENOSPC");
    CHECK(error_of([] { TcpListener another(any_port()); }) ==
          "epoll_ctl: No space left on device");
  });
}

TEST_CASE(
    "a failed epoll_wait() comes out of run(), and run() can go on (PhotonLibOS issue 1277)") {
  Runtime runtime;
  bool slept = false;
  runtime.spawn([&] {
    sleep_for(5ms);
    slept = true;
  });
  {
    Faults faults("epoll_wait*:1:EBADF");
    CHECK_THROWS_WITH_AS(runtime.run(), doctest::Contains("epoll_"), std::system_error);
  }
  CHECK_FALSE(slept);
  runtime.run();
  CHECK(slept);
}

TEST_CASE("only fibers can wait, and only where there is a runtime") {
  CHECK_THROWS_AS(TcpListener{any_port()}, std::logic_error);
  CHECK_THROWS_AS(sleep_for(1ms), std::logic_error);
  Runtime runtime;
  TcpListener listener(any_port());
  CHECK_THROWS_AS(sleep_for(1ms), std::logic_error);
  CHECK_THROWS_AS(listener.accept(), std::logic_error);
  bool accepted = false;
  runtime.spawn([&] {
    (void)listener.accept();
    accepted = true;
  });
  net::TcpStream theirs = net::TcpStream::connect(listener.address());
  runtime.run();
  CHECK(accepted);
}

TEST_CASE("two threads have a runtime each, and their fibers talk over the network") {
  std::promise<net::Address> promise;
  std::future<net::Address> address = promise.get_future();
  std::future<void> server = std::async(std::launch::async, [&promise] {
    std::promise<net::Address> told = std::move(promise);  // which breaks if there is an error
    Runtime runtime;
    TcpListener listener(any_port());
    told.set_value(listener.address());
    runtime.spawn([&] {
      for (int i = 0; i < 3; ++i)
        spawn([stream = listener.accept()]() mutable {
          for (std::string some; !(some = read_some(stream)).empty();) stream.write_all(some);
        });
    });
    runtime.run();
  });
  net::Address there = address.get();
  auto client = [&] {
    TcpStream stream = TcpStream::connect(there);
    for (std::string text : {"ping", "pong", "ping"}) {
      stream.write_all(text);
      CHECK(read_some(stream) == text);
    }
  };
  Runtime runtime;  // (Descriptors can't be counted: the other thread's come and go.)
  runtime.spawn([&] {
    for (int i = 0; i < 3; ++i) client();
  });
  runtime.run();
  server.get();
}

TEST_CASE("an address may be an IPv6 one") {
  net::Address address = net::Address::parse("[::1]:0");
  if (!error_of([&] { (void)net::TcpListener::bind(address); }).empty()) {
    MESSAGE("this machine has no IPv6");
    return;
  }
  run_fibers([&] {
    TcpListener listener(address);
    TcpStream stream = TcpStream::connect(listener.address());
    stream.write_all("ping");
    TcpStream other = listener.accept();
    CHECK(read_some(other) == "ping");
  });
}

TEST_CASE("ten thousand fibers wait at once on one thread, and all are answered") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  std::size_t number = sanitized ? 500 : testing::emulated() ? 1000 : 10'000;
  number = std::min<std::size_t>(number, limit.rlim_max - 100);
  net::TcpListener listener = net::TcpListener::bind(any_port());
  pid_t server = ::fork();
  REQUIRE(server != -1);
  if (server == 0) answer_all_at_once(listener, number);
  std::size_t answered = 0;
  {
    Runtime runtime;
    runtime.spawn([&] {
      for (std::size_t i = 0; i < number; ++i) {
        spawn([&] {
          TcpStream stream = TcpStream::connect(listener.address());
          stream.write_all("?");
          answered += read_some(stream) == "!";
        });
        // No more at once than the kernel keeps for a server: it would drop the others at first.
        if (i % 1000 == 0 && !testing::emulated())
          REQUIRE(soon([&] { return listener.waiting() < 1000; }));
      }
    });
    runtime.run();
  }
  CHECK(answered == number);
  int status = 0;
  REQUIRE(::waitpid(server, &status, 0) == server);
  CHECK(status == 0);
}

TEST_CASE("the program has all five requests in flight at once, and sleeps between the answers") {
  testing::check_all_in_flight(STAGE_PROGRAM);
  testing::Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.answered().size() == 5);
  // Connected, then an answer in one piece or two, and a turn for whoever has gone on meanwhile.
  CHECK(counted.calls["epoll_wait*"] <= 40);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
