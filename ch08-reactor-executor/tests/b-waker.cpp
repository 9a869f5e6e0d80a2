// The suite of ch08/b-waker.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "parker.hpp"
#include "reactor.hpp"
#include "source.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"
#include "waker.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;

namespace {

// Does in each poll what the case says, with the number of the poll.
class Scripted final : public Future<int> {
 public:
  using Script = std::function<PollState<int>(int, const Waker&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  PollState<int> poll(const Waker& waker) override { return script_(++polls_, waker); }

 private:
  Script script_;
  int polls_ = 0;
};

// A waker, and whether it has been called since it was last asked.
class Woken {
 public:
  [[nodiscard]] Waker waker() const { return Waker(parker_); }
  // Waits for the call.
  void wait() const { parker_->park(); }

 private:
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
};

std::size_t threads() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("an unpark() that comes before park() is kept, and only one") {
  Parker parker;
  parker.unpark();
  parker.unpark();
  parker.park();  // returns at once
  std::atomic<bool> second = false;
  std::thread other([&] {
    second = true;
    parker.unpark();
  });
  parker.park();  // the first two have counted as one
  CHECK(second);
  other.join();
}

TEST_CASE("what is ready at once is polled once") {
  Executor executor;
  CHECK(executor.block_on(Scripted([](int, const Waker&) { return 7; })) == 7);
  CHECK(executor.polls() == 1);
}

TEST_CASE("a wake during the poll is not lost: it is asked again") {
  Executor executor;
  CHECK(executor.block_on(Scripted([](int number, const Waker& waker) -> PollState<int> {
    if (number == 3) return number;
    waker.wake();
    return std::nullopt;
  })) == 3);
  CHECK(executor.polls() == 3);
}

TEST_CASE("two wakes before the next poll are one poll") {
  Executor executor;
  std::thread other;
  CHECK(executor.block_on(Scripted([&](int number, const Waker& waker) -> PollState<int> {
    if (number == 3) return number;
    if (number == 2) {
      other = std::thread([waker] { waker.wake(); });
    } else {
      waker.wake();
      waker.wake();
    }
    return std::nullopt;
  })) == 3);
  other.join();
  CHECK(executor.polls() == 3);
}

TEST_CASE(
    "a wake from another thread, while the executor is parked, makes it poll there and then") {
  Executor executor;
  std::optional<Waker> kept;
  std::atomic<bool> asked = false;
  std::thread::id polled_on;
  std::thread other([&] {
    CHECK(testing::eventually([&] { return asked.load(); }));
    kept->wake();
  });
  executor.block_on(Scripted([&](int number, const Waker& waker) -> PollState<int> {
    polled_on = std::this_thread::get_id();
    if (number == 2) return 1;
    kept = waker;
    asked = true;
    return std::nullopt;
  }));
  other.join();
  CHECK(executor.polls() == 2);
  CHECK(polled_on == std::this_thread::get_id());
}

TEST_CASE("a waker may be called when the future and its executor are gone") {
  std::optional<Waker> kept;
  {
    Executor executor;
    executor.block_on(Scripted([&](int, const Waker& waker) {
      kept = waker;
      return 1;
    }));
  }
  kept->wake();
  std::thread([kept] { kept->wake(); }).join();
  Executor again;  // an old waker wakes nobody else
  CHECK(again.block_on(Scripted([](int, const Waker&) { return 7; })) == 7);
  CHECK(again.polls() == 1);
}

TEST_CASE("an exception of the future comes out of block_on(), and the executor can go on") {
  Executor executor;
  auto throws = [](int, const Waker&) -> PollState<int> { throw std::runtime_error("on purpose"); };
  CHECK_THROWS_WITH_AS(executor.block_on(Scripted(throws)), "on purpose", std::runtime_error);
  CHECK(executor.block_on(Scripted([](int, const Waker&) { return 7; })) == 7);
}

TEST_CASE("the reactor calls the waker of the source that is ready, on its own thread") {
  Source one, two;
  Woken first, second;
  Reactor reactor;
  Registration of_one = reactor.add(one.fd(), "one");
  Registration of_two = reactor.add(two.fd(), "two");
  of_one.set_waker(first.waker());
  of_two.set_waker(second.waker());
  two.make_ready();
  second.wait();
  one.make_ready();
  first.wait();
}

TEST_CASE("of several wakers the last one counts (async-executor issue 103: a stale waker)") {
  Source source, other;
  Woken old, current, end;
  Reactor reactor;
  Registration registration = reactor.add(source.fd(), "source");
  Registration of_other = reactor.add(other.fd(), "other");
  registration.set_waker(old.waker());
  registration.set_waker(current.waker());
  of_other.set_waker(old.waker());  // shows below that nobody has called it before
  source.make_ready();
  current.wait();
  std::atomic<bool> other_is_ready = false;
  std::thread later([&] {
    other_is_ready = true;
    other.make_ready();
  });
  old.wait();
  CHECK(other_is_ready);
  later.join();
}

TEST_CASE("each change is told, also when the waker stays the same") {
  Source source;
  Woken woken;
  Reactor reactor;
  Registration registration = reactor.add(source.fd(), "source");
  registration.set_waker(woken.waker());
  for (int i = 0; i < 3; ++i) {
    source.make_ready();
    woken.wait();
  }
}

TEST_CASE("when a registration has ended, its waker is not called, and others are") {
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
  gone.make_ready();
  stays.make_ready();
  woken.wait();
  std::atomic<bool> by_us = false;
  std::thread later([&] {
    by_us = true;
    never.waker().wake();
  });
  never.wait();
  CHECK(by_us);
  later.join();
}

TEST_CASE("a source that takes the number of one that was closed has only its own waker") {
  Woken old;
  Reactor reactor;
  std::optional<Source> source(std::in_place);
  int number = source->fd().get();
  {
    Registration registration = reactor.add(source->fd(), "old");
    registration.set_waker(old.waker());
    source->make_ready();
    old.wait();
  }
  source.reset();
  source.emplace();
  REQUIRE(source->fd().get() == number);
  Woken current;
  Registration registration = reactor.add(source->fd(), "new");
  registration.set_waker(current.waker());
  source->make_ready();
  current.wait();
}

TEST_CASE("sources come and go on several threads while events are on their way") {
  Reactor reactor;
  std::vector<std::thread> others;
  for (int thread = 0; thread < 4; ++thread)
    others.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        Source source;
        Woken woken;
        Registration registration = reactor.add(source.fd(), "source");
        registration.set_waker(woken.waker());
        source.make_ready();
        if (i % 2 == 0) woken.wait();  // else it ends while its event is on the way
      }
    });
  for (std::thread& one : others) one.join();
}

TEST_CASE("a process has one reactor at a time; it can be started again; no thread is left") {
  std::size_t before = threads();
  std::size_t descriptors = testing::open_descriptors();
  for (int i = 0; i < 3; ++i) {
    Reactor reactor;
    CHECK_THROWS_AS(Reactor(), std::logic_error);
    CHECK(&Reactor::current() == &reactor);
    Source source;
    Woken woken;
    Registration registration = reactor.add(source.fd(), "source");
    registration.set_waker(woken.waker());
    source.make_ready();
    woken.wait();
  }
  // A thread that has been joined may still be listed for a moment.
  CHECK(testing::eventually([&] { return threads() == before; }));
  CHECK(testing::open_descriptors() == descriptors);
  CHECK_THROWS_AS(Reactor::current(), std::logic_error);
}

TEST_CASE("requests at once: the executor polls only when something has happened") {
  Delayserver server;
  Reactor reactor;
  Executor executor;
  std::vector<Box<std::string>> requests;
  for (int i = 0; i < 5; ++i)
    requests.push_back(box(get(server.address(), std::to_string(i), 20ms)));
  CHECK(executor.block_on(join_all(std::move(requests))) ==
        std::vector<std::string>{"0", "1", "2", "3", "4"});
  // Of each connection: that it stands, the answer, perhaps in pieces.
  CHECK(executor.polls() <= 1 + 5 * 5);
}

TEST_CASE("a request that is dropped in flight deregisters itself") {
  Peer patient([](net::TcpStream stream) {
    testing::read_request(stream);
    char byte = 0;
    while (stream.read({&byte, 1}).value_or(0) != 0) {
    }
  });
  std::size_t before = testing::open_descriptors();
  Woken woken;
  {
    Reactor reactor;
    HttpGet request = get(patient.address(), "hello", 0ms);
    REQUIRE_FALSE(request.poll(woken.waker()).has_value());
    HttpGet moved = std::move(request);
    REQUIRE_FALSE(moved.poll(woken.waker()).has_value());
  }
  // (The other end is in this process, too, and takes a moment.)
  CHECK(testing::eventually([&] { return testing::open_descriptors() == before; }));
}

TEST_CASE("the program has all five requests on their way, and its reactor wakes it") {
  testing::CountedResult counted = testing::check_all_in_flight(STAGE_PROGRAM);
  CHECK(counted.calls["epoll_wait"] <= 50);
  bool reactor_wakes = counted.result.out.find("reactor   wake") != std::string::npos;
  CHECK(reactor_wakes);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
