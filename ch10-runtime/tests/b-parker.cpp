// The suite of ch10/b-parker. What executor, reactor and Task promise by themselves is checked by
// the suites of other stages.

#include <doctest/doctest.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "interleavings.hpp"
#define atomic watched_atomic
#include "parker.hpp"
#undef atomic

#include "executor.hpp"
#include "future.hpp"
#include "pinned.hpp"
#include "reactor.hpp"
#include "read_byte.hpp"
#include "task.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"
#include "testing/stage_program.hpp"
#include "waker.hpp"

using interleavings::Explorer;
using interleavings::Known;
using interleavings::Run;
using interleavings::sleeps;

namespace {

// A second thread. It is joined when the result is destroyed, and what it throws comes out of
// get().
template <class Action>
[[nodiscard]] std::future<void> meanwhile(Action action) {
  return std::async(std::launch::async, std::move(action));
}

// A thread that parks, again and again if a case says so, and that a case can look at. One that
// never wakes up again is left to itself: so the case fails, and does not hang.
class Parks {
 public:
  explicit Parks(std::shared_ptr<Parker> parker, int times = 1)
      : its_(std::make_shared<Its>()), parker_(std::move(parker)) {
    thread_ = std::thread([its = its_, its_parker = parker_, times] {
      its->id = ::gettid();
      try {
        for (int i = 0; i < times; ++i) {
          its_parker->park();
          ++its->returns;
        }
      } catch (...) {
        its->error = std::current_exception();
      }
      its->ended = true;
    });
    CHECK(testing::eventually([this] { return its_->id != 0; }));
  }
  Parks(const Parks&) = delete;
  Parks& operator=(const Parks&) = delete;
  ~Parks() {
    if (!thread_.joinable()) return;
    unpark_quietly();
    thread_.detach();
  }

  [[nodiscard]] int returns() const { return its_->returns; }
  // It parks for the time after that many, and sleeps there, as it must.
  [[nodiscard]] bool sleeps_after(int returned) const {
    bool decided = testing::eventually([&] {
      return its_->ended || returns() > returned || (returns() == returned && sleeps(its_->id));
    });
    return decided && !its_->ended && returns() == returned;
  }
  [[nodiscard]] bool returned(int times) const {
    return testing::eventually([&] { return returns() >= times || its_->ended; }) &&
           returns() == times;
  }
  void signal(int number) { ::pthread_kill(thread_.native_handle(), number); }
  // How often it has gone to sleep so far.
  [[nodiscard]] long sleeps_so_far() const {
    std::ifstream file("/proc/self/task/" + std::to_string(its_->id) + "/status");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("voluntary_ctxt_switches:")) return std::stol(line.substr(24));
    return -1;
  }
  // It has ended, and what the parker has thrown comes out here.
  void check_ended() {
    REQUIRE(testing::eventually([this] { return its_->ended.load(); }));
    thread_.join();
    if (its_->error) std::rethrow_exception(its_->error);
  }

 private:
  struct Its {
    std::atomic<pid_t> id = 0;
    std::atomic<bool> ended = false;
    std::atomic<int> returns = 0;
    std::exception_ptr error;
  };

  void unpark_quietly() const {
    try {
      parker_->unpark();
    } catch (const std::exception&) {  // not written yet
    }
  }

  std::shared_ptr<Its> its_;
  std::shared_ptr<Parker> parker_;
  std::thread thread_;
};

// What the threads of a run share. One parks until it is told that it is over; the others call
// unpark(), each after it has written something of its own.
struct Scene {
  Parker parker;
  int unparks_begun = 0, returns = 0;
  Known written = 0;
  bool over = false;
};

// In every order: `unparkers[i]` times unpark() by the thread i. Returns what went wrong.
std::string in_every_order(const std::vector<int>& unparkers) {
  return Explorer::explore([&](Run& run, Explorer::Threads& threads) {
    auto scene = std::make_shared<Scene>();
    auto known_to_the_sleeper = std::make_shared<Known>(0);
    threads.add("the one that parks", [&run, scene, known_to_the_sleeper] {
      while (!scene->over) {
        scene->parker.park();
        *known_to_the_sleeper = Run::current->known;
        if (++scene->returns > scene->unparks_begun)
          run.fail("park() returned more often than unpark() was called");
      }
    });
    int bit = 0;
    for (std::size_t i = 0; i < unparkers.size(); ++i) {
      threads.add("unparker " + std::to_string(i + 1), [scene, first = bit, count = unparkers[i]] {
        for (int j = first; j < first + count; ++j) {
          scene->written |= 1U << j;
          Run::current->known |= 1U << j;  // and so does it what it has written
          ++scene->unparks_begun;
          scene->parker.unpark();
        }
      });
      bit += unparkers[i];
    }
    threads.add(
        "the last unparker",
        [scene] {
          ++scene->unparks_begun;
          scene->parker.unpark();
        },
        true);
    return [&run, scene, known_to_the_sleeper] {
      if (scene->over) return;
      if (scene->returns == 0) {
        run.fail("the wake was lost: park() has not returned");
      } else if (run.has_steps() && *known_to_the_sleeper != scene->written) {
        run.fail("what was written before an unpark() is not seen");
      }
      scene->over = true;
    };
  });
}

// Does in each poll what the case says, with the number of the poll.
class Scripted final : public Future<Unit> {
 public:
  using Script = std::function<PollState<Unit>(int, const Waker&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  PollState<Unit> poll(const Waker& waker) override { return script_(++polls_, waker); }

 private:
  Script script_;
  int polls_ = 0;
};

// An executor on a thread of its own, with a task that counts polls. It, too, is left to itself if
// it does not wake up.
class Runs {
 public:
  using Count = std::atomic<int>;
  explicit Runs(std::function<Pinned<Unit>(Count& polls)> task) : its_(std::make_shared<Its>()) {
    thread_ = std::thread([its = its_, task = std::move(task)] {
      its->id = ::gettid();
      try {
        Executor executor;
        executor.spawn(task(its->polls));
        executor.run();
      } catch (...) {
        its->error = std::current_exception();
      }
      its->ended = true;
    });
  }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  ~Runs() {
    if (thread_.joinable()) thread_.detach();
  }

  [[nodiscard]] int polls() const { return its_->polls; }
  [[nodiscard]] bool sleeps_after(int polled) const {
    return testing::eventually(
               [&] { return its_->ended || (polls() == polled && sleeps(its_->id)); }) &&
           !its_->ended;
  }
  [[nodiscard]] bool ended() {
    if (!testing::eventually([this] { return its_->ended.load(); })) return false;
    thread_.join();
    if (its_->error) std::rethrow_exception(its_->error);
    return true;
  }

 private:
  struct Its {
    std::atomic<pid_t> id = 0;
    Count polls = 0;
    std::atomic<bool> ended = false;
    std::exception_ptr error;
  };
  std::shared_ptr<Its> its_;
  std::thread thread_;
};

// Leaves its waker in the first poll, and ends when it has been polled so often.
using Left = std::shared_ptr<std::optional<Waker>>;
auto ends_after(int polls, const Left& left) {
  return [polls, left](Runs::Count& count) {
    return pin<Scripted>([polls, left, &count](int poll, const Waker& waker) -> PollState<Unit> {
      if (poll == 1) *left = waker;
      ++count;
      return poll == polls ? PollState<Unit>(Unit{}) : std::nullopt;
    });
  };
}

}  // namespace

TEST_CASE("an unpark() that comes first is kept: park() returns at once") {
  auto parker = std::make_shared<Parker>();
  parker->unpark();
  Parks thread(parker);
  REQUIRE(thread.returned(1));
  thread.check_ended();
}

TEST_CASE("several that come first count as one: the second park() sleeps") {
  auto parker = std::make_shared<Parker>();
  for (int i = 0; i < 3; ++i) parker->unpark();
  Parks thread(parker, 2);
  REQUIRE(thread.sleeps_after(1));
  parker->unpark();
  REQUIRE(thread.returned(2));
  thread.check_ended();
}

TEST_CASE("whoever parks first sleeps until unpark() is called, each time anew") {
  auto parker = std::make_shared<Parker>();
  Parks thread(parker, 3);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(thread.sleeps_after(i));
    parker->unpark();
    REQUIRE(thread.returned(i + 1));
  }
  thread.check_ended();
}

TEST_CASE("whoever is parked does nothing: not even look from time to time") {
  auto parker = std::make_shared<Parker>();
  Parks thread(parker);
  REQUIRE(thread.sleeps_after(0));
  long before = thread.sleeps_so_far();
  // As long as this takes; whoever looks does so more than once meanwhile.
  for (int i = 0; i < 300; ++i) std::thread([] {}).join();
  CHECK(thread.sleeps_so_far() == before);
  CHECK(thread.returns() == 0);
  parker->unpark();
  thread.check_ended();
}

TEST_CASE("a signal is no unpark(): whoever is parked sleeps on") {
  struct sigaction ignored{}, old{};
  ignored.sa_handler = [](int) {};  // without SA_RESTART: it ends the system call
  REQUIRE(::sigaction(SIGUSR1, &ignored, &old) == 0);
  auto parker = std::make_shared<Parker>();
  {
    Parks thread(parker);
    for (int i = 0; i < 3; ++i) {
      REQUIRE(thread.sleeps_after(0));
      long before = thread.sleeps_so_far();
      thread.signal(SIGUSR1);
      REQUIRE(testing::eventually(
          [&] { return thread.returns() > 0 || thread.sleeps_so_far() > before; }));
    }
    REQUIRE(thread.sleeps_after(0));
    parker->unpark();
    thread.check_ended();
  }
  ::sigaction(SIGUSR1, &old, nullptr);
}

TEST_CASE("two parkers are two: an unpark() of one is nothing to the other") {
  auto one = std::make_shared<Parker>(), two = std::make_shared<Parker>();
  Parks first(one), second(two);
  REQUIRE(first.sleeps_after(0));
  REQUIRE(second.sleeps_after(0));
  two->unpark();
  REQUIRE(second.returned(1));
  REQUIRE(first.sleeps_after(0));
  two->unpark();  // kept, and not for the first one
  REQUIRE(first.sleeps_after(0));
  one->unpark();
  REQUIRE(first.returned(1));
  first.check_ended();
  second.check_ended();
}

TEST_CASE("an unpark() is not lost, wherever it comes between the steps of park()") {
  CHECK(in_every_order({1}) == "");
}

TEST_CASE("of two by one thread none is lost, in whatever order the steps come") {
  CHECK(in_every_order({2}) == "");
}

TEST_CASE("of two threads' none is lost, and what each has written before is seen after park()") {
  CHECK(in_every_order({1, 1}) == "");
}

TEST_CASE("an executor that is parked goes on when another thread calls a waker") {
  Left left = std::make_shared<std::optional<Waker>>();
  Runs runs(ends_after(4, left));
  for (int polls = 1; polls < 4; ++polls) {
    REQUIRE(runs.sleeps_after(polls));
    (*left)->wake();
  }
  REQUIRE(runs.ended());
  CHECK(runs.polls() == 4);
}

TEST_CASE(
    "executors have a parker each: a wake reaches the one whose task it wakes, and no other") {
  Left first = std::make_shared<std::optional<Waker>>();
  Left second = std::make_shared<std::optional<Waker>>();
  Runs one(ends_after(2, first)), two(ends_after(2, second));
  REQUIRE(one.sleeps_after(1));
  REQUIRE(two.sleeps_after(1));
  (*second)->wake();
  REQUIRE(two.ended());
  REQUIRE(one.sleeps_after(1));
  (*first)->wake();
  REQUIRE(one.ended());
}

TEST_CASE("the reactor wakes an executor that is parked, and a coroutine goes on") {
  auto source = std::make_shared<testing::Source>();
  auto reads = [](std::shared_ptr<testing::Source> its, Runs::Count& polls) -> Task<Unit> {
    for (int i = 0; i < 3; ++i) co_await pin<ReadByte>(*its, &polls);
    co_return Unit{};
  };
  Reactor reactor;
  Runs runs([&](Runs::Count& polls) -> Pinned<Unit> { return reads(source, polls); });
  for (int bytes = 0; bytes < 3; ++bytes) {
    // Once when it begins to wait, and once when it has been woken.
    REQUIRE(runs.sleeps_after(1 + 2 * bytes));
    source->make_ready();
  }
  REQUIRE(runs.ended());
}

TEST_CASE("the program makes its requests one after the other, and its result of the answers") {
  // A parker that loses a wake now and then is the business of the cases above, which find it for
  // certain: the program has three tries. What else it does is checked in the stages around.
  process::Result result;
  for (int tries = 0; tries < 3; ++tries) {
    testing::Delayserver server;
    result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
    if (result.exit.describe() != "exit status 0") continue;
    CHECK(server.answered_messages() ==
          std::vector<std::string>{"request-0", "request-1", "request-2"});
    break;
  }
  INFO(result.out, result.err);
  CHECK(result.exit.describe() == "exit status 0");
  bool made = result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(made);
}

// What follows says nothing in a single run that the cases above do not say for certain. It is for
// the thread sanitizer, which sees in the real words and threads what no run shows.
#if COURSE_THREAD_SANITIZER

TEST_CASE("two threads take turns, 20,000 times, and each sees what the other has written") {
  constexpr int rounds = 20'000;
  Parker here, there;
  int number = 0;  // no atomic: the parkers say whose turn it is
  bool in_turn = true;
  auto other = meanwhile([&] {
    for (int i = 0; i < rounds; ++i) {
      there.park();
      if (number++ != 2 * i + 1) in_turn = false;
      here.unpark();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    if (number++ != 2 * i) in_turn = false;
    there.unpark();
    here.park();
  }
  other.get();
  CHECK(in_turn);
  CHECK(number == 2 * rounds);
}

TEST_CASE("four threads unpark one, 20,000 times each: it has work until all is done") {
  constexpr int each = 20'000;
  Parker parker;
  std::array<std::atomic<int>, 4> done{};
  std::vector<std::future<void>> others;
  for (std::atomic<int>& its : done)
    others.push_back(meanwhile([&] {
      for (int i = 0; i < each; ++i) {
        its.fetch_add(1, std::memory_order_relaxed);  // orders nothing: that is the parker's
        parker.unpark();
      }
    }));
  auto all = [&] {
    int sum = 0;
    for (const std::atomic<int>& its : done) sum += its.load(std::memory_order_relaxed);
    return sum;
  };
  int parks = 0;
  for (; all() < 4 * each; ++parks) parker.park();
  for (std::future<void>& one : others) one.get();
  CHECK(parks <= 4 * each);
}

TEST_CASE("an executor runs coroutines that many threads wake while it is polling, and parked") {
  constexpr int tasks = 20, turns = 100;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Waker> left;
  bool end = false;
  std::vector<std::future<void>> others;
  for (int i = 0; i < 3; ++i)
    others.push_back(meanwhile([&] {
      std::unique_lock lock(mutex);
      while (true) {
        changed.wait(lock, [&] { return end || !left.empty(); });
        if (left.empty()) return;
        Waker waker = std::move(left.back());
        left.pop_back();
        lock.unlock();
        waker.wake();
        lock.lock();
      }
    }));
  int ended = 0;
  auto waits = [&]() -> Task<Unit> {
    for (int i = 0; i < turns; ++i)
      co_await pin<Scripted>([&](int poll, const Waker& waker) -> PollState<Unit> {
        if (poll == 2) return Unit{};
        {
          std::lock_guard lock(mutex);
          left.push_back(waker);
        }
        changed.notify_one();
        return std::nullopt;
      });
    ++ended;
    co_return Unit{};
  };
  Executor executor;
  for (int i = 0; i < tasks; ++i) executor.spawn(waits());
  struct AtEnd {
    std::function<void()> function;
    ~AtEnd() { function(); }
  } stop{[&] {
    {
      std::lock_guard lock(mutex);
      end = true;
    }
    changed.notify_all();
  }};
  executor.run();
  CHECK(ended == tasks);
  CHECK(executor.polls() <= tasks * (turns + 1));
}

#endif
