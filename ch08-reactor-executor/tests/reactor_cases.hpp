#pragma once
// What the reactor, its registrations and HttpGet promise in all stages that have them. A suite
// includes this after it has defined, for the wakers of its stage,
//   class Woken              a waker of its own; a copy has the same one
//     Waker waker() const
//     void wait() const      returns when that has been called since the last wait()
//     bool is_kept() const   whether there is a copy of the waker outside of the Wokens

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "http.hpp"
#include "net/address.hpp"
#include "net/tcp_stream.hpp"
#include "reactor.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "testing/source.hpp"
#include "waker.hpp"

namespace {

using testing::sleeps;
using testing::Source;
using testing::threads;

// Says at the end of the scope that it has ended, whichever way.
class AtEnd {
 public:
  explicit AtEnd(std::atomic<bool>& flag) : flag_(flag) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { flag_ = true; }

 private:
  std::atomic<bool>& flag_;
};

// A second thread. It is joined when the result is destroyed, and what it throws comes out of
// get().
template <class Action>
[[nodiscard]] std::future<void> meanwhile(Action action) {
  return std::async(std::launch::async, std::move(action));
}

// Whether wait() returns in time. If it does not, `release` ends it: so a case fails instead of
// hanging.
template <class Wait, class Release>
[[nodiscard]] bool in_time(Wait wait, Release release) {
  std::atomic<bool> done = false, late = false;
  auto other = meanwhile([&] {
    late = !testing::eventually([&] { return done.load(); });
    if (late) release();
  });
  {
    AtEnd end(done);
    wait();
  }
  other.get();
  return !late;
}

// Whether wait() returns without `release`, which is called when this thread sleeps in it.
template <class Wait, class Release>
[[nodiscard]] bool by_itself(Wait wait, Release release) {
  std::atomic<bool> waits = false, returned = false, alone = false;
  auto other = meanwhile([&, waiter = ::gettid()] {
    bool decided = testing::eventually([&] { return returned || (waits && sleeps(waiter)); });
    alone = returned.load();
    release();
    CHECK_MESSAGE(decided, "whoever waits must sleep, and not look again and again");
  });
  {
    AtEnd end(returned);
    waits = true;
    wait();
  }
  other.get();
  return alone;
}

// Whether all are woken: those that have been since their last wait(), or will be.
[[nodiscard]] bool told(const std::vector<Woken>& all) {
  auto wait = [&] {
    for (const Woken& one : all) one.wait();
  };
  return in_time(wait, [&] {
    for (const Woken& one : all) one.waker().wake();
  });
}
[[nodiscard]] bool told(const Woken& woken) { return told(std::vector<Woken>{woken}); }

// Whether it has been woken since its last wait(). Afterwards it is as after a wait().
[[nodiscard]] bool was_told(const Woken& woken) {
  bool told = by_itself([&] { woken.wait(); }, [&] { woken.waker().wake(); });
  if (told) woken.wait();  // for the call that was ours
  return told;
}

// Whatever has woken it until now does not count. (More than one wait(), if it is one that counts
// its calls.)
void forget(const Woken& woken) {
  for (int i = 0; i < 10 && was_told(woken);) ++i;
}

// When it returns, the reactor has done with all that happened before: epoll reports in the order
// of the events, and this one comes last.
[[nodiscard]] bool reactor_has_seen_all() {
  Source last;
  Woken woken;
  Registration registration = Reactor::current().add(last.fd(), "last");
  registration.set_waker(woken.waker());
  last.make_ready();
  return told(woken);
}

// A server for one request, whose answer waits for answer(), which returns when it has been sent.
class Patient {
 public:
  [[nodiscard]] net::Address address() const { return peer_.address(); }
  [[nodiscard]] bool is_asked() const { return is_asked_; }
  void may_answer() { may_answer_ = true; }
  void answer() {
    may_answer();
    CHECK(testing::eventually([this] { return has_answered_.load(); }));
  }

 private:
  std::atomic<bool> is_asked_ = false, may_answer_ = false, has_answered_ = false;
  testing::Peer peer_{[this](net::TcpStream stream) {
    testing::read_request(stream);
    is_asked_ = true;
    // Or until the other end gives up.
    pollfd other{stream.fd().get(), POLLIN | POLLRDHUP, 0};
    while (!may_answer_ && ::poll(&other, 1, 1) == 0) continue;
    if (!may_answer_) return;
    testing::say_and_close(stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    has_answered_ = true;
  }};
};

// Polls it until the server has its request. (One poll too many harms nobody.)
[[nodiscard]] bool is_sent(HttpGet& request, const Patient& server, const Woken& woken) {
  return testing::eventually([&] {
    REQUIRE_FALSE(request.poll(woken.waker()).has_value());
    return server.is_asked();
  });
}

}  // namespace

TEST_CASE("the reactor calls the waker of the source that is ready, and no other") {
  Source one, two;
  Woken first, second;
  Reactor reactor;
  Registration of_one = reactor.add(one.fd(), "one");
  Registration of_two = reactor.add(two.fd(), "two");
  of_one.set_waker(first.waker());
  of_two.set_waker(second.waker());
  two.make_ready();
  REQUIRE(told(second));
  CHECK_FALSE(was_told(first));
  one.make_ready();
  REQUIRE(told(first));
  CHECK_FALSE(was_told(second));
}

TEST_CASE("of several wakers the last one counts (async-executor issue 103: a stale waker)") {
  Source source;
  Woken old, current;
  Reactor reactor;
  Registration registration = reactor.add(source.fd(), "source");
  registration.set_waker(old.waker());
  registration.set_waker(current.waker());
  source.make_ready();
  REQUIRE(told(current));
  CHECK_FALSE(was_told(old));
  registration.set_waker(old.waker());  // also when it is one that there was before
  source.make_ready();
  REQUIRE(told(old));
  CHECK_FALSE(was_told(current));
}

TEST_CASE("each change is told, also when the waker stays the same") {
  Source source;
  Woken woken;
  Reactor reactor;
  Registration registration = reactor.add(source.fd(), "source");
  registration.set_waker(woken.waker());
  for (int i = 0; i < 3; ++i) {
    source.make_ready();
    REQUIRE(told(woken));
  }
  REQUIRE(reactor_has_seen_all());
  CHECK_FALSE(was_told(woken));  // once for each, not for as long as there is something to read
}

TEST_CASE("what happens before there is a waker harms nobody, and what happens later is told") {
  Source source;
  Woken woken;
  Reactor reactor;
  Registration registration = reactor.add(source.fd(), "source");
  source.make_ready();
  REQUIRE(reactor_has_seen_all());
  registration.set_waker(woken.waker());
  source.make_ready();
  REQUIRE(told(woken));
}

TEST_CASE("when a registration has ended, its waker is neither called nor kept") {
  Source gone, stays;
  Woken never, woken;
  Reactor reactor;
  Registration of_stays = reactor.add(stays.fd(), "stays");
  of_stays.set_waker(woken.waker());
  {
    Registration of_gone = reactor.add(gone.fd(), "gone");
    of_gone.set_waker(never.waker());
    Registration moved = std::move(of_gone);
  }
  CHECK_FALSE(never.is_kept());
  gone.make_ready();
  stays.make_ready();
  REQUIRE(told(woken));
  CHECK_FALSE(was_told(never));
  // Nor is its source in the queue any more: it can be added again.
  Registration again = reactor.add(gone.fd(), "again");
  again.set_waker(never.waker());
  gone.make_ready();
  REQUIRE(told(never));
}

TEST_CASE(
    "an event that comes too late reaches nobody, not even who has the number of its source") {
  Reactor reactor;
  Woken old, current;
  std::optional<Source> source(std::in_place);
  int number = source->fd().get();
  Registration registration = reactor.add(source->fd(), "old");
  registration.set_waker(old.waker());
  {
    // The reactor has the event in its hands, and is held there.
    std::atomic<bool> on_its_way = false, may_go_on = false;
    auto hold = [&](int) {
      on_its_way = true;
      CHECK(testing::eventually([&] { return may_go_on.load(); }));
    };
    testing::After after("epoll_wait*", 1, hold, testing::After::Of::any_thread);
    AtEnd end(may_go_on);
    source->make_ready();
    REQUIRE(testing::eventually([&] { return on_its_way.load(); }));
    registration = {};
    source.reset();
    source.emplace();
    REQUIRE(source->fd().get() == number);
    registration = reactor.add(source->fd(), "new");
    registration.set_waker(current.waker());
  }
  REQUIRE(reactor_has_seen_all());
  CHECK_FALSE(was_told(old));
  CHECK_FALSE(was_told(current));
  source->make_ready();
  REQUIRE(told(current));
}

TEST_CASE("ten thousand sources: each has its own waker") {
  // A thousand pipes, and ten descriptors for the end of each: half of what one for each would
  // need.
  constexpr std::size_t pipes = 1'000, ends = 10, count = pipes * ends;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, count + 2000));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);

  Reactor reactor;
  std::vector<Source> sources(pipes);
  std::vector<net::Fd> descriptors;
  std::vector<Woken> all(count), of_even, of_odd;
  std::vector<Registration> registrations;
  for (std::size_t i = 0; i < count; ++i) {
    int end = sources[i % pipes].fd().get();
    descriptors.push_back(net::Fd::checked(::fcntl(end, F_DUPFD_CLOEXEC, 0), "fcntl"));
    registrations.push_back(reactor.add(descriptors.back(), "source"));
    registrations.back().set_waker(all[i].waker());
    (i % 2 == 0 ? of_even : of_odd).push_back(all[i]);
  }
  for (std::size_t i = 0; i < pipes; i += 2) sources[i].make_ready();
  REQUIRE(told(of_even));
  CHECK_FALSE(was_told(of_odd.front()));
  CHECK_FALSE(was_told(of_odd.back()));
  registrations.resize(count / 2);
  CHECK_FALSE(of_odd.back().is_kept());
  of_odd.resize(count / 4);
  for (std::size_t i = 1; i < pipes; i += 2) sources[i].make_ready();
  REQUIRE(told(of_odd));
}

TEST_CASE("sources come and go on several threads while events are on their way") {
  Reactor reactor;
  std::vector<std::future<void>> others;
  for (int thread = 0; thread < 4; ++thread)
    others.push_back(meanwhile([&] {
      for (int i = 0; i < 200; ++i) {
        Source source;
        Woken woken;
        Registration registration = reactor.add(source.fd(), "source");
        registration.set_waker(woken.waker());
        source.make_ready();
        if (i % 2 == 0) REQUIRE(told(woken));  // else it ends while its event is on the way
      }
    }));
  for (std::future<void>& one : others) one.get();
}

TEST_CASE("while nothing happens, the reactor sleeps") {
  Source source;
  Reactor reactor;
  Woken woken;
  Registration registration = reactor.add(source.fd(), "source");
  registration.set_waker(woken.waker());
  for (int i = 0; i < 2; ++i) {  // before the first event, and after it
    CHECK(testing::eventually([] {
      std::vector<pid_t> all = threads();
      return std::all_of(all.begin(), all.end(),
                         [](pid_t one) { return one == ::gettid() || sleeps(one); });
    }));
    source.make_ready();
    REQUIRE(told(woken));
  }
}

TEST_CASE("a process has one reactor at a time; it can be started again; nothing is left of it") {
  std::vector<pid_t> before = threads();
  std::size_t descriptors = testing::open_descriptors();
  for (int i = 0; i < 3; ++i) {
    Woken woken;
    {
      Reactor reactor;
      CHECK_THROWS_AS(Reactor(), std::logic_error);
      CHECK(&Reactor::current() == &reactor);
      Source source;
      Registration registration = reactor.add(source.fd(), "source");
      registration.set_waker(woken.waker());
      source.make_ready();
      REQUIRE(told(woken));
    }
    CHECK_FALSE(woken.is_kept());
    CHECK_THROWS_AS(Reactor::current(), std::logic_error);
    CHECK(testing::open_descriptors() == descriptors);
  }
  // A thread that has been joined may still be listed for a moment.
  CHECK(testing::eventually([&] { return testing::no_threads_but(before); }));
}

TEST_CASE("without a reactor a request says so") {
  testing::Delayserver server;
  HttpGet request = get(server.address(), "hello", std::chrono::milliseconds(1));
  Woken woken;
  CHECK_THROWS_WITH_AS(static_cast<void>(request.poll(woken.waker())), "there is no reactor",
                       std::logic_error);
}

TEST_CASE("an answer that arrives just after the request has looked for it is not lost") {
  Patient server;
  Reactor reactor;
  HttpGet request = get(server.address(), "hello", std::chrono::milliseconds(0));
  // It arrives, and the reactor has handled it, when the request knows only that there was nothing.
  bool handled = false;
  testing::After after("recv*", 1, [&](int fd) {
    server.answer();
    pollfd answer{fd, POLLIN, 0};
    CHECK(::poll(&answer, 1, -1) == 1);
    handled = reactor_has_seen_all();
  });
  std::optional<std::string> body;
  for (int polls = 0; !body && polls < 100; ++polls) {
    Woken woken;  // another one for each poll: those of earlier polls do not count
    body = request.poll(woken.waker());
    if (after.has_run()) REQUIRE(handled);
    if (!body) REQUIRE(told(woken));
  }
  CHECK(after.has_run());
  CHECK(body == "hello");
}

TEST_CASE("a request in flight wakes whoever has polled it last") {
  Patient server;
  Reactor reactor;
  HttpGet request = get(server.address(), "hello", std::chrono::milliseconds(0));
  Woken first;
  REQUIRE(is_sent(request, server, first));
  Woken second;
  REQUIRE_FALSE(request.poll(second.waker()).has_value());
  REQUIRE(reactor_has_seen_all());
  forget(first);  // what came of the connection
  server.answer();
  REQUIRE(told(second));
  CHECK_FALSE(was_told(first));
  PollState<std::string> body = request.poll(second.waker());
  while (!body && told(second)) body = request.poll(second.waker());
  CHECK(body == "hello");
}

TEST_CASE("a request that is over keeps neither its connection nor a waker") {
  Patient server;
  std::size_t before = testing::open_descriptors();
  Reactor reactor;
  std::size_t with_reactor = testing::open_descriptors();
  CHECK(with_reactor > before);
  HttpGet request = get(server.address(), "hello", std::chrono::milliseconds(0));
  server.may_answer();
  Woken woken;
  PollState<std::string> body = request.poll(woken.waker());
  while (!body && told(woken)) body = request.poll(woken.waker());
  REQUIRE(body == "hello");
  CHECK(testing::eventually([&] { return !woken.is_kept(); }));
  CHECK(testing::eventually([&] { return testing::open_descriptors() == with_reactor; }));
  CHECK_THROWS_AS(static_cast<void>(request.poll(woken.waker())), std::logic_error);
}

TEST_CASE("a request that has failed is over, too: another poll is a std::logic_error") {
  Reactor reactor;
  HttpGet request = get(testing::nobody(), "hello", std::chrono::milliseconds(0));
  Woken woken;
  auto poll_to_the_end = [&] {
    while (!request.poll(woken.waker())) REQUIRE(told(woken));
  };
  CHECK_THROWS_WITH_AS(poll_to_the_end(), "connect: Connection refused", std::system_error);
  CHECK_THROWS_AS(static_cast<void>(request.poll(woken.waker())), std::logic_error);
}

TEST_CASE("a request that is dropped in flight deregisters itself") {
  Patient server;
  Reactor reactor;
  std::size_t before = testing::open_descriptors();
  Woken woken;
  {
    HttpGet request = get(server.address(), "hello", std::chrono::milliseconds(0));
    REQUIRE(is_sent(request, server, woken));
    HttpGet moved = std::move(request);
    REQUIRE_FALSE(moved.poll(woken.waker()).has_value());
  }
  CHECK(testing::eventually([&] { return !woken.is_kept(); }));
  // (The other end is in this process, too, and takes a moment.)
  CHECK(testing::eventually([&] { return testing::open_descriptors() == before; }));
}
