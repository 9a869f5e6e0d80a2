// The suite of ch08/d-spawn.

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Of what comes with the cases of executors this suite needs no cases of the reactor, which is
// given in this stage, as it was.
#undef TEST_CASE
#define TEST_CASE(name) [[maybe_unused]] static void DOCTEST_ANONYMOUS(case_of_other_suites_)()
#include "scripted.hpp"
#undef TEST_CASE
#define TEST_CASE(name) DOCTEST_TEST_CASE(name)

#include "executor_cases.hpp"
#include "testing/print.hpp"
#include "testing/stage_program.hpp"

using Log = std::vector<std::string>;

namespace {

// Does it in its first poll, and is ready.
Scripted once(std::function<void()> function) {
  return Scripted([function = std::move(function)](int, const Waker&) -> PollState<Unit> {
    function();
    return Unit{};
  });
}

Scripted throws(const std::string& what) {
  return once([what] { throw std::runtime_error(what); });
}

// The least that a task can do: counts itself.
class Small final : public Future<Unit> {
 public:
  explicit Small(int& ended) : ended_(&ended) {}
  PollState<Unit> poll(const Waker&) override {
    ++*ended_;
    return Unit{};
  }

 private:
  int* ended_;
};

// Calls a function where it is destroyed. It is ready in its first poll, or that throws.
class AtItsEnd final : public Future<Unit> {
 public:
  explicit AtItsEnd(std::function<void()> function, bool fails = false)
      : function_(std::make_unique<std::function<void()>>(std::move(function))), fails_(fails) {}
  AtItsEnd(AtItsEnd&&) = default;
  AtItsEnd& operator=(AtItsEnd&&) = delete;
  ~AtItsEnd() override {
    if (function_) (*function_)();  // else it was moved
  }
  PollState<Unit> poll(const Waker&) override {
    if (fails_) throw std::runtime_error("on purpose");
    return Unit{};
  }

 private:
  std::unique_ptr<std::function<void()>> function_;
  bool fails_;
};

// For those who must not throw: whether there is an executor that takes it.
template <IsFuture F>
bool can_spawn(F future) {
  try {
    spawn(std::move(future));
    return true;
  } catch (const std::logic_error&) {
    return false;
  }
}
bool can_spawn() {
  return can_spawn(once([] {}));
}

// The executor that runs on this thread, or nullptr.
Executor* current() {
  try {
    return &Executor::current();
  } catch (const std::logic_error&) {
    return nullptr;
  }
}

}  // namespace

TEST_CASE("what a task spawns is polled on the same thread, when the poll of its spawner is over") {
  Log log;
  std::thread::id polled_on;
  Executor executor;
  executor.spawn(once([&] {
    spawn(once([&] {
      polled_on = std::this_thread::get_id();
      log.push_back("child");
    }));
    log.push_back("spawner");
  }));
  run(executor);
  CHECK(log == Log{"spawner", "child"});
  CHECK(polled_on == std::this_thread::get_id());
}

TEST_CASE("those that were spawned in one poll are polled in that order") {
  Log log;
  Executor executor;
  executor.spawn(once([&] {
    for (const std::string name : {"a", "b", "c"}) spawn(once([&, name] { log.push_back(name); }));
  }));
  run(executor);
  CHECK(log == Log{"a", "b", "c"});
}

TEST_CASE("children spawn children, and nobody is polled inside another one's poll") {
  int polling = 0, most = 0;
  Log log;
  Executor executor;
  std::function<Scripted(std::string)> family = [&](const std::string& name) {
    return once([&, name] {
      most = std::max(most, ++polling);
      log.push_back(name);
      for (const std::string child : {"a", "b"})
        if (name.size() < 3) spawn(family(name + child));
      --polling;
    });
  };
  executor.spawn(family(""));
  run(executor);
  CHECK(log == Log{"", "a", "b", "aa", "ab", "ba", "bb", "aaa", "aab", "aba", "abb", "baa", "bab",
                   "bba", "bbb"});
  CHECK(most == 1);
}

TEST_CASE("a hundred thousand tasks are spawned, and run() returns when all of them have ended") {
  constexpr int each = 316;
  int ended = 0;
  Executor executor;
  executor.spawn(once([&] {
    for (int i = 0; i < each; ++i)
      spawn(once([&] {
        for (int j = 0; j < each; ++j) spawn(Small(ended));
      }));
  }));
  executor.run();  // without limits, since it takes a while on a slow machine
  CHECK(ended == each * each);
}

TEST_CASE("a spawner may end long before those that it has spawned") {
  Log log;
  std::vector<Waker> waiting;
  Executor executor;
  executor.spawn(once([&, end = std::make_shared<AtItsEnd>([&] { log.push_back("spawner"); })] {
    for (int i = 0; i < 3; ++i)
      spawn(Scripted([&](int number, const Waker& waker) -> PollState<Unit> {
        if (number == 2) {
          log.push_back("child");
          return Unit{};
        }
        waiting.push_back(waker);
        return std::nullopt;
      }));
  }));
  Hook hook(Parker::before_park, [&] {
    std::thread([&] {
      for (const Waker& one : waiting) one.wake();
    }).join();
  });
  run(executor);
  CHECK(log == Log{"spawner", "child", "child", "child"});
}

TEST_CASE("spawned tasks wait for the reactor like others") {
  Source sources[3];
  Log log;
  Reactor reactor;
  Executor executor;
  executor.spawn(once([&] {
    for (int i = 0; i < 3; ++i) {
      auto registration = std::make_shared<Registration>(reactor.add(sources[i].fd(), "source"));
      spawn(Scripted([&, i, registration](int, const Waker& waker) -> PollState<Unit> {
        registration->set_waker(waker);
        if (!sources[i].take()) return std::nullopt;
        log.push_back(std::to_string(i));
        return Unit{};
      }));
    }
  }));
  // The last one first, and each when there is nobody to poll.
  int left = 3;
  Hook hook(Parker::before_park, [&] {
    if (left > 0) sources[--left].make_ready();
  });
  run(executor);
  CHECK(log.size() == 3);
}

TEST_CASE("a spawned task is polled once at the start, and once for each wake at most") {
  struct Count {
    int polls = 0, wakes = 0;
  };
  std::vector<Count> counts(20);
  Executor executor;
  executor.spawn(once([&] {
    for (int i = 0; i < 20; ++i)
      spawn(Scripted([&count = counts[static_cast<std::size_t>(i)], i](
                         int number, const Waker& waker) -> PollState<Unit> {
        ++count.polls;
        if (number > i) return Unit{};
        for (int twice = 0; twice < 2; ++twice) {
          ++count.wakes;
          waker.wake();
        }
        return std::nullopt;
      }));
  }));
  run(executor);
  for (int i = 0; i < 20; ++i) {
    CAPTURE(i);
    CHECK(counts[static_cast<std::size_t>(i)].wakes == 2 * i);
    CHECK(counts[static_cast<std::size_t>(i)].polls == i + 1);  // two wakes before a poll are one
  }
}

TEST_CASE("a task may spawn when it is destroyed, after its last poll or after an exception") {
  Log log;
  Executor executor;
  auto child_of = [&](const std::string& name) {
    return AtItsEnd(
        [&, name] {
          log.push_back(name + " ends");
          if (!can_spawn(once([&, name] { log.push_back("child of " + name); })))
            log.push_back(name + " can't spawn");
        },
        name == "b");
  };
  executor.spawn(once([&] {
    spawn(child_of("a"));
    spawn(child_of("b"));
  }));
  CHECK_THROWS_WITH_AS(run(executor), "on purpose", std::runtime_error);
  CHECK(log == Log{"a ends", "b ends", "child of a", "child of b"});
}

TEST_CASE("what was spawned is destroyed when it has ended, once, while others go on") {
  Log log;
  Executor executor;
  executor.spawn(Scripted([&](int number, const Waker& waker) -> PollState<Unit> {
    log.push_back("poll " + std::to_string(number));
    if (number == 1) spawn(AtItsEnd([&] { log.push_back("the child ends"); }));
    if (number == 3) return Unit{};
    waker.wake();
    return std::nullopt;
  }));
  run(executor);
  CHECK(std::count(log.begin(), log.end(), "the child ends") == 1);
  CHECK(log.back() == "poll 3");
}

TEST_CASE("where no executor runs, spawn() is a std::logic_error, and the future ends unpolled") {
  int ended = 0, polled = 0;
  auto check_refused = [&] {
    ended = 0;
    CHECK_THROWS_AS(spawn(AtItsEnd([&] { ++ended; })), std::logic_error);
    CHECK(ended == 1);
    CHECK_THROWS_AS(spawn(once([&] { ++polled; })), std::logic_error);
  };
  check_refused();
  {
    Executor executor;  // it is there, but it does not run
    check_refused();
    run(executor);
    check_refused();
    executor.spawn(once([] { spawn(once([] {})); }));
    run(executor);
    check_refused();
  }
  bool taken = true;
  {
    Executor executor;
    executor.spawn(AtItsEnd([&] { taken = can_spawn(); }));
  }  // it has never run: its task is dropped
  CHECK_FALSE(taken);
  check_refused();
  CHECK(polled == 0);
}

TEST_CASE("what runs on one thread is not known on another one") {
  bool child = false;
  bool spawned_there = true;
  Executor* seen_there = nullptr;
  Executor executor;
  executor.spawn(once([&] {
    std::thread([&] {
      spawned_there = can_spawn();
      seen_there = current();
    }).join();
    spawn(once([&] { child = true; }));
  }));
  run(executor);
  CHECK_FALSE(spawned_there);
  CHECK(seen_there == nullptr);
  CHECK(child);
}

TEST_CASE("each thread has its own: another one's may begin and end while it runs") {
  std::vector<std::thread::id> polled_on;
  std::thread::id other_thread;
  Executor executor;
  Executor* after = nullptr;
  executor.spawn(once([&] {
    bool failed = false;
    std::thread other([&] {
      other_thread = std::this_thread::get_id();
      Executor its_own;
      its_own.spawn(
          once([&] { spawn(once([&] { polled_on.push_back(std::this_thread::get_id()); })); }));
      try {
        run(its_own);
      } catch (const std::logic_error&) {
        failed = true;
      }
    });
    other.join();
    CHECK_FALSE(failed);
    after = current();
    spawn(once([&] { polled_on.push_back(std::this_thread::get_id()); }));
  }));
  run(executor);
  REQUIRE(polled_on.size() == 2);
  CHECK(polled_on[0] == other_thread);
  CHECK(polled_on[1] == std::this_thread::get_id());
  CHECK(after == &executor);
}

TEST_CASE("current() is the executor from the first poll to the last destructor, and then none") {
  std::vector<Executor*> seen;
  auto look = [&] { seen.push_back(current()); };
  Executor executor;
  look();
  executor.spawn(once(look));
  executor.spawn(AtItsEnd(look));
  executor.spawn(once([&] { spawn(AtItsEnd(look)); }));
  look();
  run(executor);
  look();
  CHECK(seen == std::vector<Executor*>{nullptr, nullptr, &executor, &executor, &executor, nullptr});
}

TEST_CASE("the executor has slept, and is current still: whoever was woken may spawn") {
  Log log;
  std::optional<Waker> waiting;
  Executor executor;
  executor.spawn(Scripted([&](int number, const Waker& waker) -> PollState<Unit> {
    if (number == 1) {
      waiting = waker;
      return std::nullopt;
    }
    if (current() != &executor) log.push_back("it is not current any more");
    if (!can_spawn(once([&] { log.push_back("child"); }))) log.push_back("no child");
    return Unit{};
  }));
  Hook hook(Parker::before_park, [&] {
    if (waiting) std::thread([&] { waiting->wake(); }).join();
  });
  run(executor);
  CHECK(log == Log{"child"});
}

TEST_CASE("an executor that is made and destroyed in a poll does not disturb the one that runs") {
  Log log;
  Executor executor;
  executor.spawn(once([&] {
    {
      Executor other;
      other.spawn(once([] {}));
      if (current() != &executor) log.push_back("the outer one is not current any more");
    }
    if (current() != &executor) log.push_back("and nor is it now");
    if (!can_spawn(once([&] { log.push_back("child"); }))) log.push_back("no child");
  }));
  run(executor);
  CHECK(log == Log{"child"});
}

TEST_CASE("it is none, too, after run() has thrown; and the executor can run again") {
  Executor executor;
  for (int i = 0; i < 2; ++i) {
    executor.spawn(once([] { spawn(throws("on purpose")); }));
    CHECK_THROWS_WITH_AS(run(executor), "on purpose", std::runtime_error);
    CHECK(current() == nullptr);
    CHECK_FALSE(can_spawn());
  }
  bool polled = false;
  executor.spawn(once([&] { spawn(once([&] { polled = true; })); }));
  run(executor);
  CHECK(polled);
}

TEST_CASE("run() in a poll is a std::logic_error, and does not disturb the one that runs") {
  bool own = false;
  SUBCASE("its own") { own = true; }
  SUBCASE("another one's") {}
  Log log;
  Executor executor, other;
  other.spawn(once([&] { log.push_back("other"); }));
  executor.spawn(once([&] {
    for (int i = 0; i < 2; ++i) {
      try {
        (own ? executor : other).run();
        log.push_back("it ran");
      } catch (const std::logic_error&) {
        log.push_back("refused");
      }
      if (current() != &executor) log.push_back("the outer one is not current any more");
    }
    if (!can_spawn(once([&] { log.push_back("child"); }))) log.push_back("no child");
  }));
  executor.spawn(once([&] { log.push_back("sibling"); }));
  run(executor);
  CHECK(log == Log{"refused", "refused", "sibling", "child"});
  CHECK(current() == nullptr);
  run(other);
  CHECK(log.back() == "other");
}

TEST_CASE(
    "two executors run in turns on a thread, and what is spawned belongs to the one that runs") {
  Log log;
  Executor first, second;
  auto spawner = [&](const std::string& name, Executor& executor) {
    return once([&, name] {
      spawn(once([&, name] {
        log.push_back("child of " + name);
        if (current() != &executor) log.push_back("somewhere else");
      }));
    });
  };
  first.spawn(spawner("a", first));
  second.spawn(spawner("b", second));
  run(first);
  CHECK(log == Log{"child of a"});
  first.spawn(spawner("c", first));
  run(second);
  CHECK(log == Log{"child of a", "child of b"});
  run(first);
  CHECK(log == Log{"child of a", "child of b", "child of c"});
}

TEST_CASE("an exception in a spawned task takes neither its spawner nor its siblings with it") {
  Log log;
  Executor executor;
  auto in_two_polls = [&](const std::string& name) {
    return Scripted([&, name](int number, const Waker& waker) -> PollState<Unit> {
      if (number == 2) {
        log.push_back(name + " ends");
        return Unit{};
      }
      waker.wake();
      return std::nullopt;
    });
  };
  executor.spawn(Scripted([&](int number, const Waker& waker) -> PollState<Unit> {
    if (number == 1) {
      spawn(in_two_polls("a"));
      spawn(throws("the first"));
      spawn(throws("the second"));
      spawn(in_two_polls("b"));
      waker.wake();
      return std::nullopt;
    }
    spawn(in_two_polls("c"));
    log.push_back("the spawner ends");
    return Unit{};
  }));
  CHECK_THROWS_WITH_AS(run(executor), "the first", std::runtime_error);
  std::sort(log.begin(), log.end());
  CHECK(log == Log{"a ends", "b ends", "c ends", "the spawner ends"});
}

TEST_CASE("an exception in a spawner does not take with it those that it has spawned") {
  int ended = 0;
  Executor executor;
  executor.spawn(once([&] {
    for (int i = 0; i < 3; ++i)
      spawn(Scripted([&](int number, const Waker& waker) -> PollState<Unit> {
        if (number == 1) {
          waker.wake();
          return std::nullopt;
        }
        ++ended;
        return Unit{};
      }));
    throw std::runtime_error("on purpose");
  }));
  CHECK_THROWS_WITH_AS(run(executor), "on purpose", std::runtime_error);
  CHECK(ended == 3);
}

TEST_CASE("the program has all five requests on their way, and its reactor wakes it") {
  testing::CountedResult counted = testing::check_all_in_flight(STAGE_PROGRAM);
  CHECK(counted.calls["epoll_wait"] <= 50);
  for (int i = 0; i < 5; ++i) {
    CAPTURE(i);
    bool answered =
        counted.result.out.find("200 OK: request-" + std::to_string(i)) != std::string::npos;
    CHECK(answered);
  }
  bool reactor_wakes = counted.result.out.find("reactor   wake") != std::string::npos;
  CHECK(reactor_wakes);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
