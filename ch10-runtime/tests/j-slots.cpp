// The suite of ch10/j-slots.

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "interleavings.hpp"
#define atomic watched_atomic
#include "readiness.hpp"
#undef atomic

#include "timer_wheel.hpp"

#define REGISTRATION_WAITS(registration, handle, queue) registration.readable().wait(handle)
#define TASKS_ARE_GIVEN
#define REACTOR_IS_GIVEN
#define LOOP_IS_GIVEN
#include "one_loop_cases.hpp"
#include "testing/sanitizers.hpp"
#include "wait.hpp"

using interleavings::Explorer;
using interleavings::Known;
using interleavings::Run;

namespace {

thread_local std::size_t allocations = 0;  // of this thread

}  // namespace

// (The thread sanitizer has them itself, and does not let them go: there nothing is counted.)
#if !COURSE_THREAD_SANITIZER
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace {

// Whoever waits in these cases never runs: only the handle goes from hand to hand.
struct Somebody {
  Task<int> task = value_of(1);
  std::coroutine_handle<> handle = task.handle();
};

enum class Does { sets, closes };

// What the threads of a run share.
struct Meeting {
  Somebody somebody;
  Readiness readiness;
  bool waits = false, closed = false;
  int returned = 0, others = 0;
  Known known_to_the_first = 0;
  bool unseen = false;
  std::string problem;
};

// One thread calls wait() while each of the others does this, one after the other, in every order
// of their steps. Returns what went wrong.
std::string in_every_order(const std::vector<std::vector<Does>>& others) {
  return Explorer::explore([&](Run& run, Explorer::Threads& threads) {
    auto meeting = std::make_shared<Meeting>();
    threads.add("the one that waits", [meeting] {
      Run::current->known |= 1;
      meeting->waits = meeting->readiness.wait(meeting->somebody.handle);
      meeting->known_to_the_first = Run::current->known;
    });
    for (std::size_t i = 0; i < others.size(); ++i)
      threads.add("thread " + std::to_string(i + 1), [meeting, what = others[i]] {
        for (Does each : what) {
          Run::current->known |= 2U << meeting->others++;
          std::coroutine_handle<> found =
              each == Does::sets ? meeting->readiness.set() : meeting->readiness.close();
          if (each == Does::closes) meeting->closed = true;
          if (found == nullptr) continue;
          ++meeting->returned;
          if (found != meeting->somebody.handle) meeting->problem = "that is nobody's handle";
          if ((Run::current->known & 1) == 0) meeting->unseen = true;
        }
      });
    threads.add("the end", [] {}, true);
    return [&run, meeting] {
      Meeting& its = *meeting;
      if (!its.problem.empty()) run.fail(its.problem);
      // (Of a lock these words know nothing.)
      if (run.has_steps() && its.unseen)
        run.fail("what the one that waits has written before is not seen");
      if (its.waits && its.returned == 0) run.fail("wait() said true, and nobody has the handle");
      if (its.waits && its.returned > 1) run.fail("the handle was returned more than once");
      if (!its.waits && its.returned > 0)
        run.fail("wait() said false, and the handle was returned");
      Somebody next;
      bool kept = !its.readiness.wait(next.handle);
      if (its.closed) {
        if (!kept || its.readiness.set() != nullptr || its.readiness.wait(next.handle))
          run.fail("close() was called, and a later wait() waits");
      } else if (its.waits) {
        if (kept && its.others == 1) run.fail("an event that has woken somebody is kept besides");
        if (!kept && its.others > 1) run.fail("an event that has woken nobody was not kept");
      } else if (!kept && run.has_steps()) {
        // Whoever looks now has to see all of it.
        Known all = (2U << its.others) - 1;
        if (its.known_to_the_first != all)
          run.fail("nothing is kept, and what was written before set() is not seen");
      }
    };
  });
}

// Two ends of a connection, of which the first one cannot be written to any more.
struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    here = net::Fd(ends[0]);
    there = net::Fd(ends[1]);
  }
  void fill() const {
    std::array<char, 4096> bytes{};
    while (::send(here.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) continue;
  }
  void drain() const {
    std::array<char, 4096> bytes;
    while (::recv(there.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  net::Fd here, there;
};

// Timers beside a model of them.
class Timers {
 public:
  explicit Timers(Tick now) : wheel_(now), now_(now) {}

  void add(Timer& timer, Tick deadline) {
    timer.deadline = deadline;
    wheel_.add(timer);
    model_.emplace(deadline, &timer);
  }
  // Of the model: the place of any one.
  void remove(std::size_t place) {
    auto one = std::next(model_.begin(), static_cast<std::ptrdiff_t>(place));
    wheel_.remove(*one->second);
    model_.erase(one);
  }
  void remove(Timer& timer) {
    wheel_.remove(timer);
    std::erase_if(model_, [&](const auto& one) { return one.second == &timer; });
  }
  void advance(Tick now) {
    std::vector<Timer*> passed;
    wheel_.advance(now, [&](Timer& timer) {
      passed.push_back(&timer);
      if (passed.size() > 1'000'000) throw std::runtime_error("the same timers pass for ever");
    });
    auto time_of = [&](const Timer* one) { return std::max(one->deadline, now_); };
    bool in_order = std::ranges::is_sorted(passed, {}, time_of);
    std::size_t early = 0, unknown = 0;
    for (Timer* timer : passed) {
      if (timer->deadline > now) ++early;
      if (std::erase_if(model_, [&](const auto& one) { return one.second == timer; }) != 1)
        ++unknown;
    }
    std::size_t late =
        static_cast<std::size_t>(std::distance(model_.begin(), model_.upper_bound(now)));
    now_ = std::max(now, now_);
    INFO("advance(", now, ")");
    REQUIRE(early == 0);    // whose deadline has not passed
    REQUIRE(unknown == 0);  // who was removed, or has passed before
    REQUIRE(late == 0);     // whose deadline has passed, and who was not
    REQUIRE(in_order);
    check_next();
  }
  void check_next() {
    Tick next = wheel_.next();
    INFO("now it is ", now_, ", and next() says ", next);
    if (model_.empty()) {
      REQUIRE(next == TimerWheel::never);
      return;
    }
    Tick first = model_.begin()->first;
    INFO("the first deadline is ", first);
    REQUIRE(next <= std::max(first, now_));  // else that is passed too late
    if (first > now_) REQUIRE(next > now_);  // else whoever asks asks again and again
  }
  // Sleeps until next(), as the reactor does, until there are none. Returns how often.
  int rounds() {
    int count = 0;
    while (!model_.empty()) {
      ++count;
      REQUIRE(count < 10'000);
      advance(std::max(wheel_.next(), now_));
    }
    return count;
  }
  [[nodiscard]] std::size_t count() const { return model_.size(); }
  [[nodiscard]] Tick now() const { return now_; }
  [[nodiscard]] Tick next() { return wheel_.next(); }

 private:
  TimerWheel wheel_;
  std::multimap<Tick, Timer*> model_;
  Tick now_;
};

constexpr Tick one = 1;

void play_with_timers(unsigned seed) {
  INFO("seed ", seed);
  std::mt19937_64 dice(seed);
  auto roll = [&](Tick sides) { return dice() % sides; };
  std::vector<Timer> all(40);
  std::vector<Tick> begins = {0, 62, 4095, (one << 40) - 1, 1'700'000'000'000};
  Timers timers(begins[roll(begins.size())]);
  std::set<Timer*> out;
  for (Timer& timer : all) out.insert(&timer);
  auto far = [&] { return roll(one << roll(46)); };
  for (int step = 0; step < 300; ++step) {
    switch (roll(6)) {
      case 0:
      case 1:
      case 2: {
        Timer& timer = all[roll(all.size())];
        timers.remove(timer);  // whether it is in or not
        Tick deadline = timers.now() + far();
        if (roll(8) == 0) deadline = timers.now() - std::min(timers.now(), far());
        if (roll(4) == 0) deadline = (deadline | 63) + roll(2);  // at the border of a slot
        timers.add(timer, deadline);
        break;
      }
      case 3:
        if (timers.count() > 0) timers.remove(roll(timers.count()));
        break;
      case 4:
        timers.advance(timers.now() + far());
        break;
      default:
        if (Tick next = timers.next(); next != TimerWheel::never) timers.advance(next);
    }
    timers.check_next();
  }
  while (timers.count() > 0) timers.remove(0);
  timers.check_next();
}

}  // namespace

TEST_CASE("an event that comes before the wait is kept, and for one wait only") {
  Somebody somebody;
  Readiness readiness;
  CHECK(readiness.set() == nullptr);
  CHECK_FALSE(readiness.wait(somebody.handle));
  CHECK(readiness.wait(somebody.handle));
}

TEST_CASE("several events before a wait count as one") {
  Somebody somebody;
  Readiness readiness;
  for (int i = 0; i < 3; ++i) CHECK(readiness.set() == nullptr);
  CHECK_FALSE(readiness.wait(somebody.handle));
  CHECK(readiness.wait(somebody.handle));
}

TEST_CASE("an event returns who waits, once, and leaves nothing behind") {
  Somebody somebody, other;
  Readiness readiness;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(readiness.wait(somebody.handle));
    CHECK(readiness.set() == somebody.handle);
    REQUIRE(readiness.wait(other.handle));
    CHECK(readiness.set() == other.handle);
  }
  CHECK(readiness.set() == nullptr);
}

TEST_CASE("what is closed stays so: no wait waits, however often, and whatever comes") {
  Somebody somebody;
  Readiness readiness;
  CHECK(readiness.close() == nullptr);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(readiness.wait(somebody.handle));
    CHECK_FALSE(readiness.wait(somebody.handle));
    CHECK(readiness.set() == nullptr);
  }
  CHECK(readiness.close() == nullptr);
}

TEST_CASE("close() returns who waits, and it is closed afterwards") {
  Somebody somebody;
  Readiness readiness;
  REQUIRE(readiness.wait(somebody.handle));
  CHECK(readiness.close() == somebody.handle);
  CHECK(readiness.close() == nullptr);
  CHECK_FALSE(readiness.wait(somebody.handle));
  CHECK_FALSE(readiness.wait(somebody.handle));
}

TEST_CASE("close() takes the place of an event that is kept") {
  Somebody somebody;
  Readiness readiness;
  CHECK(readiness.set() == nullptr);
  CHECK(readiness.close() == nullptr);
  CHECK_FALSE(readiness.wait(somebody.handle));
  CHECK_FALSE(readiness.wait(somebody.handle));
}

TEST_CASE("reset() forgets all: an event, and that it was closed") {
  Somebody somebody;
  Readiness readiness;
  (void)readiness.set();
  readiness.reset();
  REQUIRE(readiness.wait(somebody.handle));
  REQUIRE(readiness.close() == somebody.handle);
  readiness.reset();
  REQUIRE(readiness.wait(somebody.handle));
  CHECK(readiness.set() == somebody.handle);
}

TEST_CASE("a wait and an event, in every order of their steps: one of both has the handle") {
  CHECK(in_every_order({{Does::sets}}) == "");
}

TEST_CASE("a wait and two events of one thread, in every order: the second one is not lost") {
  CHECK(in_every_order({{Does::sets, Does::sets}}) == "");
}

TEST_CASE("a wait, an event and a stop, each on a thread, in every order: one has the handle") {
  CHECK(in_every_order({{Does::sets}, {Does::sets}}) == "");
}

TEST_CASE("a wait and the end of the stream, in every order: who waits is told, or does not wait") {
  CHECK(in_every_order({{Does::closes}}) == "");
}

TEST_CASE("a wait, a stop and the end of the stream, in every order: closed stays closed") {
  CHECK(in_every_order({{Does::sets}, {Does::closes}}) == "");
}

TEST_CASE("a timer passes when its deadline has come: not before, and not later") {
  // Each of them in all levels, and at their borders.
  for (Tick begin : {Tick{0}, Tick{1}, Tick{63}, Tick{64}, Tick{4095}, (one << 40) + 7}) {
    for (unsigned bit = 0; bit < 62; ++bit) {
      for (Tick deadline :
           {begin + (one << bit) - 1, begin + (one << bit), (one << bit) + begin / 2}) {
        INFO("from ", begin, " to ", deadline);
        Timers timers(begin);
        Timer timer;
        timers.add(timer, deadline);
        timers.check_next();
        if (deadline > begin) timers.advance(deadline - 1);
        timers.advance(std::max(deadline, begin));
        REQUIRE(timers.count() == 0);
      }
    }
  }
}

TEST_CASE("a deadline that has passed already passes at once") {
  Timers timers(1000);
  std::array<Timer, 4> timer;
  timers.add(timer[0], 0);
  timers.add(timer[1], 999);
  timers.add(timer[2], 1000);
  timers.add(timer[3], 1001);
  timers.check_next();
  timers.advance(1000);
  CHECK(timers.count() == 1);
  timers.advance(1001);
  CHECK(timers.count() == 0);
}

TEST_CASE("those of one slot of a higher level pass one by one, in the order of their deadlines") {
  Timers timers(0);
  std::vector<Timer> all(200);
  for (std::size_t i = 0; i < all.size(); ++i) timers.add(all[i], 4096 + (i * 37) % 200);
  for (Tick now = 4095; now < 4300; ++now) timers.advance(now);
  CHECK(timers.count() == 0);
}

TEST_CASE("a step over many deadlines passes all of them, in their order") {
  Timers timers(5);
  std::vector<Timer> all(60);
  for (unsigned i = 0; i < all.size(); ++i) timers.add(all[i], 5 + (one << i));
  timers.advance(one << 30);
  timers.advance((one << 61) + 1);
  CHECK(timers.count() == 0);
}

TEST_CASE("who sleeps until next() wakes up seldom: at most once for each level of a timer") {
  for (unsigned bit = 0; bit < 62; ++bit) {
    Timers timers(12'345);
    Timer timer;
    timers.add(timer, 12'345 + (one << bit) + (one << bit) / 3);
    CHECK(timers.rounds() <= 11);
  }
}

TEST_CASE("removed from every place of its list: that one does not pass, and all others do") {
  for (Tick deadline : {Tick{7}, Tick{5000}}) {
    for (std::size_t count = 1; count <= 4; ++count) {
      for (std::size_t gone = 0; gone < count; ++gone) {
        for (std::size_t then = 0; then < count; ++then) {
          Timers timers(0);
          std::array<Timer, 4> all;
          for (std::size_t i = 0; i < count; ++i) timers.add(all[i], deadline);
          timers.remove(all[gone]);
          timers.check_next();
          timers.remove(all[then]);  // perhaps once more
          timers.check_next();
          timers.advance(deadline);
          REQUIRE(timers.count() == 0);
        }
      }
    }
  }
}

TEST_CASE("a timer can be removed before it was added, after it has passed, and added again") {
  Timers timers(0);
  Timer timer, other;
  timers.remove(timer);
  for (Tick round = 1; round <= 10; ++round) {
    timers.add(timer, round * 100);
    timers.add(other, round * 100);
    timers.advance(round * 100);
    CHECK(timers.count() == 0);
    timers.remove(timer);
    timers.remove(other);
    timers.check_next();
  }
}

TEST_CASE("what is passed may be added again, and may remove another one that would be next") {
  TimerWheel wheel(0);
  Timer again, first, second;
  int turns = 0;
  for (Timer* timer : {&first, &second, &again}) {
    timer->deadline = 100;
    wheel.add(*timer);
  }
  int passed = 0;
  wheel.advance(10'000, [&](Timer& timer) {
    if (&timer == &again) {
      if (++turns == 5) return;
      again.deadline += 100;
      wheel.add(again);
    } else {
      ++passed;
      wheel.remove(&timer == &first ? second : first);
    }
  });
  CHECK(turns == 5);
  CHECK(passed == 1);
  CHECK(wheel.next() == TimerWheel::never);
}

TEST_CASE("programs made by chance: the wheel passes what a sorted list of all timers would") {
  for (unsigned seed = 1; seed <= 200; ++seed) play_with_timers(seed);
}

TEST_CASE("a million timers: half of them are removed, all others pass, and nothing is allocated") {
  constexpr std::size_t count = 1'000'000;
  std::vector<Timer> all(count);
  TimerWheel wheel(1'000);
  std::mt19937_64 dice(1);
  std::size_t before = allocations, passed = 0;
  Tick last = 0;
  bool in_order = true;
  for (Timer& timer : all) {
    timer.deadline = 1'000 + dice() % 1'000'000;
    wheel.add(timer);
  }
  for (std::size_t i = 0; i < count; i += 2) wheel.remove(all[i]);
  for (Tick now = 1'000; now <= 1'001'000; now += 1'000)
    wheel.advance(now, [&](Timer& timer) {
      ++passed;
      in_order = in_order && last <= timer.deadline && timer.deadline <= now;
      last = timer.deadline;
    });
  CHECK(allocations == before);
  CHECK(passed == count / 2);
  CHECK(in_order);
}

TEST_CASE("one reads and one writes on one connection: each is woken for its own direction") {
  Pair pair;
  pair.fill();
  std::vector<std::string> woken;
  run_body([&]() -> Task<> {
    Registration registration = Executor::current().reactor().add(pair.here, "pair");
    auto waits = [&](Readiness& readiness, std::string what) -> Task<> {
      bool late = co_await Wait(readiness, Clock::now() + 3s);
      CHECK_FALSE(late);
      woken.push_back(what);
    };
    auto until = [&](std::size_t count) -> Task<> {
      for (int i = 0; i < 1000 && woken.size() < count; ++i) co_await sleep_for(1ms);
    };
    JoinHandle<void> reads = spawn(waits(registration.readable(), "the one that reads"));
    JoinHandle<void> writes = spawn(waits(registration.writable(), "the one that writes"));
    co_await Turn();
    CHECK(::send(pair.there.get(), ".", 1, MSG_NOSIGNAL) == 1);
    co_await until(1);
    CHECK(woken == std::vector<std::string>{"the one that reads"});
    pair.drain();
    co_await until(2);
    CHECK(woken == std::vector<std::string>{"the one that reads", "the one that writes"});
    co_await std::move(reads);
    co_await std::move(writes);
  });
}

TEST_CASE("the end that comes with the last bytes is not forgotten by the read that takes these") {
  Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    testing::say_and_close(stream, "hello");
  });
  run_body([&]() -> Task<> {
    Socket socket = co_await Socket::connect(peer.address(), "socket", Clock::now() + 3s);
    co_await socket.write("GET / HTTP/1.1\r\n\r\n");
    std::array<char, 100> buffer;
    CHECK(co_await socket.read(buffer) == 5);
    for (int i = 0; i < 3; ++i) CHECK(co_await socket.read(buffer) == 0);
  });
}

TEST_CASE("a read that has filled its buffer leaves the rest for the next one") {
  Pair keeps;  // the peer's connection open until the client has read
  Peer peer([&](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("12345678");
    char byte;
    (void)testing::eventually([&] { return ::recv(keeps.there.get(), &byte, 1, 0) == 1; });
  });
  run_body([&]() -> Task<> {
    Socket socket = co_await Socket::connect(peer.address(), "socket", Clock::now() + 3s);
    co_await socket.write("GET / HTTP/1.1\r\n\r\n");
    std::array<char, 4> buffer;
    std::string all;
    while (all.size() < 8) {
      std::size_t count = co_await socket.read(buffer);
      all.append(buffer.data(), count);
    }
    CHECK(all == "12345678");
  });
  CHECK(::send(keeps.here.get(), ".", 1, MSG_NOSIGNAL) == 1);
}

TEST_CASE("a slot that is used again knows nothing of the source before: not even that it ended") {
  Somebody somebody;
  ::Reactor reactor;
  Readiness* before = nullptr;
  {
    Pair ends;
    Registration registration = reactor.add(ends.here, "ends");
    before = &registration.readable();
    ends.there = net::Fd();
    (void)reactor.look();
    REQUIRE_FALSE(registration.readable().wait(somebody.handle));
    REQUIRE_FALSE(registration.readable().wait(somebody.handle));
  }
  Pair pair;
  pair.fill();
  Registration registration = reactor.add(pair.here, "another one");
  CHECK(&registration.readable() == before);
  CHECK(registration.readable().wait(somebody.handle));
  CHECK(registration.writable().wait(somebody.handle));
}

TEST_CASE("a thousand sources, one after the other, are in one slot, and leave nothing open") {
  std::size_t descriptors = testing::open_descriptors();
  {
    ::Reactor reactor;
    std::set<Readiness*> slots;
    for (int i = 0; i < 1000; ++i) {
      Source source;
      Registration registration = reactor.add(source.fd(), "source");
      slots.insert(&registration.readable());
    }
    CHECK(slots.size() == 1);
  }
  CHECK(testing::open_descriptors() == descriptors);
}

TEST_CASE("a wait allocates nothing: not for a source, not for a deadline, not for a stop") {
  Source source;
  std::stop_source stop;
  std::size_t while_waiting = 1;
  auto waits = [&]() -> Task<> {
    Registration registration = Executor::current().reactor().add(source.fd(), "source");
    for (int round = 0; round < 2; ++round) {  // the first one is to warm up
      std::size_t before = allocations;
      for (int i = 0; i < 1000; ++i) {
        co_await sleep_for(-1ms);
        source.make_ready();
        (void)co_await Wait(registration.readable(), Clock::now() + 10s);
        (void)source.take();
        if (i % 100 == 0) co_await sleep_for(1ms);
      }
      while_waiting = allocations - before;
    }
  };
  run_body([&]() -> Task<> { co_await with_token(stop.get_token(), waits()); });
  CHECK(while_waiting == 0);
}
