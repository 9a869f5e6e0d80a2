#pragma once
// What spawn() and run() promise in all stages that have them. A suite includes this before the
// stage's headers.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "scripted.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

namespace {

// A task that waits for a request, which wakes it by itself. Counts its polls.
class Asking final : public Future<Unit> {
 public:
  Asking(HttpGet request, std::atomic<int>& polls, std::string& body)
      : request_(std::move(request)), polls_(&polls), body_(&body) {}
  PollState<Unit> poll(const Waker& waker) override {
    REQUIRE_MESSAGE(++*polls_ <= 1000, "it is polled again and again");
    PollState<std::string> body = request_.poll(waker);
    if (body) *body_ = *body;
    return ready_if(body.has_value());
  }

 private:
  HttpGet request_;
  std::atomic<int>* polls_;
  std::string* body_;
};

// A task that waits until a source has become ready.
class Waiting final : public Future<Unit> {
 public:
  Waiting(const Source& source, std::atomic<int>& polls) : source_(&source), polls_(&polls) {}
  PollState<Unit> poll(const Waker& waker) override {
    REQUIRE_MESSAGE(++*polls_ <= 1000, "it is polled again and again");
    if (!registered_) registration_ = Reactor::current().add(source_->fd(), "source");
    registered_ = true;
    registration_.set_waker(waker);
    return ready_if(source_->take());
  }

 private:
  const Source* source_;
  std::atomic<int>* polls_;
  bool registered_ = false;
  Registration registration_;
};

}  // namespace

TEST_CASE("each task is polled once at the start: in run(), on its thread, first come, first") {
  std::string order;
  Executor executor;
  std::thread::id polled_on;
  for (char name : {'a', 'b', 'c'})
    executor.spawn(Scripted([&, name](int, const Waker&) {
      order += name;
      polled_on = std::this_thread::get_id();
      return Unit{};
    }));
  CHECK(order.empty());
  meanwhile([&] {
    run(executor);
    CHECK(polled_on == std::this_thread::get_id());
  }).get();
  CHECK(order == "abc");
  CHECK(executor.polls() == 3);
}

TEST_CASE("without tasks run() returns at once, and it can be called again when there are some") {
  Executor executor;
  run(executor);
  for (int i = 1; i <= 2; ++i) {
    Watched one;
    executor.spawn(one.task([](int, const Waker&) { return Unit{}; }));
    run(executor);
    CHECK(one.polls == 1);
    run(executor);
    CHECK(executor.polls() == i);
  }
}

TEST_CASE("a task that is woken is polled again, and no other one is") {
  Watched one, two, three;
  Parks parks;
  Executor executor;
  for (Watched* each : {&one, &two, &three}) executor.spawn(each->task());
  auto other = meanwhile([&] {
    auto wait_for = [&](const std::atomic<int>& polls, int count) {
      CHECK(testing::eventually([&] { return polls == count && parks.asleep(); }));
    };
    wait_for(three.polls, 1);
    two.wake();
    wait_for(two.polls, 2);
    two.wake();
    wait_for(two.polls, 3);
    CHECK(one.polls == 1);
    CHECK(three.polls == 1);
    for (Watched* each : {&three, &one, &two}) each->let_end();
  });
  run(executor);
  other.get();
  CHECK(one.polls == 2);
  CHECK(two.polls == 4);
  CHECK(three.polls == 2);
  CHECK(executor.polls() == 8);
}

TEST_CASE("a wake while the task is polled is not lost, and several are one poll") {
  Executor executor;
  int polls = 0;
  executor.spawn(Scripted([&](int number, const Waker& waker) {
    polls = number;
    if (number == 1) waker.wake();
    if (number == 2) {
      for (int i = 0; i < 3; ++i) waker.wake();
      std::thread([waker] { CHECK_NOTHROW(waker.wake()); }).join();
    }
    return ready_if(number == 3);
  }));
  run(executor);
  CHECK(polls == 3);
  CHECK(executor.polls() == 3);
}

TEST_CASE("wakes before the next poll of a task are one poll, whoever they come from") {
  Watched one, two;
  Executor executor;
  executor.spawn(one.task());
  executor.spawn(two.task([&](int number, const Waker& waker) {
    if (number < 3) waker.wake();
    if (number == 1) {  // the first one has been polled, and waits
      one.wake();
      meanwhile([&] { one.wake(); }).get();
      one.wake();
    }
    if (number == 3) one.let_end();
    return ready_if(number == 3);
  }));
  run(executor);
  CHECK(one.polls == 3);
  CHECK(two.polls == 3);
}

TEST_CASE("while no task has been woken, the thread sleeps, and polls nobody") {
  Watched one, two;
  Parks parks;
  Executor executor;
  executor.spawn(one.task());
  executor.spawn(two.task());
  // Whoever waits for a while only finds that the time has passed at once.
  testing::Faults faults("nanosleep*:every:ETIME");
  auto other = when_asleep(parks, [&] {
    CHECK(executor.polls() == 2);
    two.let_end();
    CHECK(testing::eventually([&] { return !two.is_alive() && parks.asleep(); }));
    CHECK(one.polls == 1);
    one.let_end();
  });
  run(executor);
  other.get();
  CHECK(executor.polls() == 4);
}

TEST_CASE("a wake that comes between \"the queue is empty\" and park() is not lost") {
  Watched one;
  Executor executor;
  executor.spawn(one.task());
  bool woken = false;
  Hook hook(Parker::before_park, [&] {
    if (!std::exchange(woken, true)) meanwhile([&] { one.let_end(); }).get();
  });
  run(executor);
  CHECK(woken);
  CHECK(one.polls == 2);
}

TEST_CASE("whoever is unparked finds the number in the queue, however fast it is") {
  Watched one;
  Parks parks;
  Executor executor;
  executor.spawn(one.task());
  auto other = when_asleep(parks, [&] {
    // The executor has done all that it does because of this unpark(), before the waker goes on.
    Hook hook(Parker::after_unpark, [&, before = parks.count()] {
      static_cast<void>(
          testing::eventually([&] { return one.polls == 2 || parks.count() > before; }));
    });
    one.let_end();
  });
  run(executor);
  other.get();
  CHECK(one.polls == 2);
}

TEST_CASE("tasks are polled in the order in which they were woken") {
  constexpr std::size_t count = 5;
  std::vector<Watched> tasks(count);
  std::vector<std::size_t> order;
  Parks parks;
  Executor executor;
  for (std::size_t i = 0; i < count; ++i)
    executor.spawn(tasks[i].task([&order, i](int number, const Waker&) {
      if (number == 2) order.push_back(i);
      return ready_if(number == 2);
    }));
  const std::vector<std::size_t> wakes{3, 1, 4, 0, 2};
  auto other = when_asleep(parks, [&] {
    for (std::size_t i : wakes) tasks[i].wake();
  });
  run(executor);
  other.get();
  CHECK(order == wakes);
}

TEST_CASE("a task that wakes itself in each poll takes turns with the others") {
  std::string order;
  Executor executor;
  for (char name : {'a', 'b', 'c'})
    executor.spawn(Scripted([&, name](int number, const Waker& waker) {
      order += name;
      waker.wake();
      return ready_if(number == 4);
    }));
  run(executor);
  CHECK(order == "abcabcabcabc");
}

TEST_CASE("tasks may end in any order, and run() returns when the last one has") {
  for (std::vector<int> lives : {std::vector{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 4, 1, 3}}) {
    std::vector<int> ended;
    Executor executor;
    for (int life : lives)
      executor.spawn(Scripted([&ended, life](int number, const Waker& waker) {
        if (number == life)
          ended.push_back(life);
        else
          waker.wake();
        return ready_if(number == life);
      }));
    run(executor);
    CHECK(ended == std::vector{1, 2, 3, 4});
    CHECK(executor.polls() == 1 + 2 + 3 + 4);
  }
}

TEST_CASE("run() waits for those that nobody has woken yet, also when all others have ended") {
  Watched one;
  Parks parks;
  Executor executor;
  executor.spawn(Scripted([](int, const Waker&) { return Unit{}; }));
  executor.spawn(one.task());
  std::atomic<bool> let = false;
  auto other = when_asleep(parks, [&] {
    let = true;
    one.let_end();
  });
  run(executor);
  CHECK(let);
  other.get();
}

TEST_CASE("a task that has ended is destroyed before the next one is polled, and others are not") {
  Watched one, two, three;
  bool one_was_there = true, three_was_there = false;
  Executor executor;
  executor.spawn(one.task([](int, const Waker&) { return Unit{}; }));
  executor.spawn(two.task([&](int number, const Waker& waker) {
    one_was_there = one.is_alive();
    three_was_there = three.is_alive();
    if (number == 1) waker.wake();
    return ready_if(number == 2);
  }));
  executor.spawn(three.task(
      [](int, const Waker&) -> PollState<Unit> { throw std::runtime_error("on purpose"); }));
  CHECK_THROWS_WITH_AS(run(executor), "on purpose", std::runtime_error);
  CHECK_FALSE(one_was_there);
  CHECK_FALSE(three_was_there);  // an exception is an end, too
  CHECK_FALSE(two.is_alive());
}

TEST_CASE("tasks that have not ended are destroyed with their executor") {
  Watched one, two;
  {
    Executor executor;
    executor.spawn(one.task());
    executor.spawn(two.task());
    CHECK(one.is_alive());
    CHECK(two.is_alive());
  }
  CHECK_FALSE(one.is_alive());
  CHECK_FALSE(two.is_alive());
  CHECK(one.polls + two.polls == 0);
}

TEST_CASE("a waker that is called when its task has ended polls nobody") {
  Watched early, late;
  Parks parks;
  Executor executor;
  executor.spawn(early.task([&](int, const Waker& waker) {
    waker.wake();  // and will have ended when its turn comes
    return Unit{};
  }));
  executor.spawn(late.task());
  auto other = when_asleep(parks, [&] {
    early.wake();
    late.let_end();
  });
  run(executor);
  other.get();
  CHECK(early.polls == 1);
  CHECK(late.polls == 2);
  CHECK(executor.polls() == 3);
  early.wake();
  run(executor);
  CHECK(executor.polls() == 3);
}

TEST_CASE("no number is given twice: an old waker does not wake a task that came later") {
  Watched old, current;
  Executor executor;
  executor.spawn(old.task([](int, const Waker&) { return Unit{}; }));
  run(executor);
  bool let = false;
  executor.spawn(current.task([&](int number, const Waker&) {
    if (number == 1) old.wake();
    return ready_if(let);
  }));
  executor.spawn(Scripted([&](int number, const Waker& waker) {
    if (number < 4) waker.wake();  // time for whoever the old waker has woken
    if (number == 4) {
      CHECK(current.polls == 1);
      let = true;
      current.wake();
    }
    return ready_if(number == 4);
  }));
  run(executor);
  CHECK(current.polls == 2);
}

TEST_CASE("a waker may be called when its task and its executor are gone") {
  Watched one;
  {
    Executor executor;
    executor.spawn(one.task([](int, const Waker&) { return Unit{}; }));
    run(executor);
  }
  one.wake();
  meanwhile([&] { one.wake(); }).get();
  CHECK(one.polls == 1);
}

TEST_CASE("a copy of a waker wakes the task as well, also one of an earlier poll") {
  std::vector<Waker> kept;
  Parks parks;
  Executor executor;
  std::atomic<int> polls = 0;
  executor.spawn(Scripted([&](int number, const Waker& waker) {
    if (number == 1) kept.assign(2, waker);
    polls = number;
    return ready_if(number == 3);
  }));
  auto other = when_asleep(parks, [&] {
    kept[0].wake();
    CHECK(testing::eventually([&] { return polls == 2 && parks.asleep(); }));
    kept[1].wake();
  });
  run(executor);
  other.get();
  CHECK(polls == 3);
}

TEST_CASE("what a task throws ends that task only, and comes out of run() when all have ended") {
  Watched fails, goes_on;
  Executor executor;
  executor.spawn(fails.task([](int number, const Waker& waker) -> PollState<Unit> {
    waker.wake();  // and has failed when its turn comes
    if (number == 2) throw std::runtime_error("on purpose");
    return std::nullopt;
  }));
  executor.spawn(goes_on.task([](int number, const Waker& waker) {
    waker.wake();
    return ready_if(number == 5);
  }));
  CHECK_THROWS_WITH_AS(run(executor), "on purpose", std::runtime_error);
  CHECK(fails.polls == 2);
  CHECK(goes_on.polls == 5);
  CHECK_FALSE(goes_on.is_alive());
  CHECK(executor.polls() == 7);
}

TEST_CASE("of several exceptions the first one comes out of run(), whatever it is") {
  Executor executor;
  for (int life : {3, 1, 2})
    executor.spawn(Scripted([life](int number, const Waker& waker) {
      waker.wake();
      if (number == life) throw life;
      return ready_if(false);
    }));
  int thrown = 0;
  try {
    run(executor);
  } catch (int life) {
    thrown = life;
  }
  CHECK(thrown == 1);
}

TEST_CASE("after an exception the executor can be used again, and does not throw it again") {
  Executor executor;
  executor.spawn(Scripted(
      [](int, const Waker&) -> PollState<Unit> { throw std::runtime_error("on purpose"); }));
  CHECK_THROWS_WITH_AS(run(executor), "on purpose", std::runtime_error);
  Watched one;
  executor.spawn(one.task([](int number, const Waker& waker) {
    waker.wake();
    return ready_if(number == 2);
  }));
  CHECK_NOTHROW(run(executor));
  CHECK(one.polls == 2);
}

TEST_CASE("a task may spawn others while it is polled, and they have their turns") {
  int ended = 0;
  Executor executor;
  // Each spawns two, down to the leaves: 2^8 - 1 in all.
  std::function<Scripted(int)> tree = [&](int height) {
    return Scripted([&, height, text = std::string(100, 'x')](int number, const Waker& waker) {
      if (number == 1)
        for (int i = 0; i < 2 && height > 1; ++i) executor.spawn(tree(height - 1));
      waker.wake();
      CHECK(text == std::string(100, 'x'));  // it is still there
      if (number == 2) ++ended;
      return ready_if(number == 2);
    });
  };
  executor.spawn(tree(8));
  run(executor);
  CHECK(ended == 255);
  CHECK(executor.polls() == 2 * 255);
}

TEST_CASE("a waker wakes its own executor, and not one on another thread") {
  struct Side {
    Watched task;
    std::promise<const Parks*> parks;
    std::atomic<bool> has_run = false;
  } one, two;
  struct UntilOver {
    const std::atomic<bool>& over;
    ~UntilOver() {
      while (!testing::eventually([this] { return over.load(); })) continue;
    }
  };
  std::atomic<bool> over = false;
  auto start = [&over](Side& side) {
    return meanwhile([&] {
      Parks parks;
      UntilOver looked_at{over};
      side.parks.set_value(&parks);
      Executor executor;
      executor.spawn(side.task.task());
      run(executor);
      side.has_run = true;
      CHECK(executor.polls() == 2);
    });
  };
  auto first = start(one), second = start(two);
  AtEnd end(over);
  const Parks *of_one = one.parks.get_future().get(), *of_two = two.parks.get_future().get();
  REQUIRE(testing::eventually([&] { return of_one->asleep() && of_two->asleep(); }));
  one.task.let_end();
  CHECK(testing::eventually([&] { return one.has_run.load(); }));
  CHECK(two.task.polls == 1);
  two.task.let_end();
  CHECK(testing::eventually([&] { return two.has_run.load(); }));
}

TEST_CASE("a thousand tasks woken from several threads: none is lost, and none polled too often") {
  constexpr std::size_t count = 1000;
  constexpr int threads = 4;
  std::vector<Watched> tasks(count);
  std::atomic<std::size_t> started = 0;
  Executor executor;
  for (Watched& task : tasks)
    executor.spawn(task.task([&](int number, const Waker&) {
      if (number == 1) ++started;
      return ready_if(task.wakes == threads);
    }));
  std::vector<std::future<void>> others;
  for (int i = 0; i < threads; ++i)
    others.push_back(meanwhile([&] {
      REQUIRE(testing::eventually([&] { return started == count; }));
      for (Watched& task : tasks) task.wake();
    }));
  run(executor);
  for (std::future<void>& one : others) one.get();
  long polls = 0;
  bool too_often = false;
  for (Watched& task : tasks) {
    polls += task.polls;
    too_often = too_often || task.polls > task.wakes + 1;
  }
  CHECK_FALSE(too_often);
  CHECK(executor.polls() == polls);
}

TEST_CASE("an event polls the task that waits for its source, and no other one") {
  constexpr std::size_t count = 50;
  std::vector<Source> sources(count);
  std::vector<std::atomic<int>> polls(count);
  Parks parks;
  Reactor reactor;
  Executor executor;
  for (std::size_t i = 0; i < count; ++i) executor.spawn(Waiting(sources[i], polls[i]));
  auto other = when_asleep(parks, [&] {
    for (std::size_t i = count; i-- > 0;) {  // each when the one before has been seen
      sources[i].make_ready();
      CHECK(testing::eventually([&] { return polls[i] == 2; }));
    }
  });
  run(executor);
  other.get();
  CHECK(executor.polls() == 2 * count);
}

TEST_CASE("of requests at once only the one that is answered is polled") {
  constexpr std::size_t count = 5;
  std::vector<Patient> servers(count);
  std::vector<std::atomic<int>> polls(count);
  std::vector<std::string> bodies(count);
  Parks parks;
  Reactor reactor;
  Executor executor;
  for (std::size_t i = 0; i < count; ++i)
    executor.spawn(
        Asking(get(servers[i].address(), std::to_string(i), std::chrono::milliseconds(0)), polls[i],
               bodies[i]));
  auto other = when_asleep(parks, [&] {
    for (Patient& server : servers) REQUIRE(testing::eventually([&] { return server.is_asked(); }));
    CHECK(reactor_has_seen_all());
    for (std::size_t i = count; i-- > 0;) {
      CHECK(testing::eventually([&] { return parks.asleep(); }));
      std::vector<int> before(polls.begin(), polls.end());
      servers[i].answer();
      CHECK(testing::eventually([&] { return polls[i] > before[i]; }));
      for (std::size_t j = 0; j < count; ++j)
        if (j != i) CHECK(polls[j] == before[j]);
    }
  });
  run(executor);
  other.get();
  CHECK(bodies == std::vector<std::string>(count, "hello"));
}

TEST_CASE("requests at once are in flight together, and polled when something has happened") {
  testing::Delayserver server;
  constexpr std::size_t count = 5;
  std::vector<std::atomic<int>> polls(count);
  std::vector<std::string> bodies(count);
  Reactor reactor;
  Executor executor;
  for (std::size_t i = 0; i < count; ++i)
    executor.spawn(Asking(get(server.address(), std::to_string(i), std::chrono::milliseconds(20)),
                          polls[i], bodies[i]));
  run(executor);
  CHECK(bodies == std::vector<std::string>{"0", "1", "2", "3", "4"});
  // Of each connection: that it stands, the answer, perhaps in pieces.
  for (const std::atomic<int>& of_one : polls) CHECK(of_one <= 1 + 5);
  CHECK(executor.polls() == std::accumulate(polls.begin(), polls.end(), 0L));
}

TEST_CASE("a task that drops its request in flight is not polled for it any more") {
  Patient server;
  Parks parks;
  Reactor reactor;
  std::size_t before = testing::open_descriptors();
  auto request = std::make_optional(get(server.address(), "hello", std::chrono::milliseconds(0)));
  std::atomic<bool> may_drop = false, may_end = false;
  Watched task;
  Executor executor;
  executor.spawn(task.task([&](int, const Waker& waker) {
    CHECK(testing::eventually([&] {
      if (request) REQUIRE_FALSE(request->poll(waker).has_value());
      return server.is_asked();
    }));
    if (may_drop) request.reset();
    return ready_if(may_end);
  }));
  auto other = when_asleep(parks, [&] {
    CHECK(reactor_has_seen_all());
    may_drop = true;
    task.wake();
    CHECK(testing::eventually([&] { return testing::open_descriptors() == before; }));
    CHECK(reactor_has_seen_all());
    CHECK(testing::eventually([&] { return parks.asleep(); }));
    int polls = task.polls;
    server.may_answer();
    CHECK(reactor_has_seen_all());
    CHECK(task.polls == polls);
    may_end = true;
    task.wake();
  });
  run(executor);
  other.get();
}

TEST_CASE("the runtime can be started twice in one process, and leaves nothing behind") {
  testing::Delayserver server;
  std::vector<pid_t> running = threads();
  std::size_t descriptors = testing::open_descriptors();
  for (std::string name : {"once", "twice"}) {
    std::string body;
    std::atomic<int> polls = 0;
    {
      Reactor reactor;
      Executor executor;
      executor.spawn(
          Asking(get(server.address(), name, std::chrono::milliseconds(1)), polls, body));
      run(executor);
    }
    CHECK(body == name);
    // (The server is in this process, too, and takes a moment.)
    CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
  }
  CHECK(testing::eventually([&] { return testing::no_threads_but(running); }));
}
