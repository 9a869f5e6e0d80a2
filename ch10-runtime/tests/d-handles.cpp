// The suite of ch10/d-handles. Most of it holds for the stages after it, too.

#include <doctest/doctest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "watched.hpp"

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue)
#include "tasks.hpp"
#include "testing/faults.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"

// What is freed is overwritten: so a frame that is used after its end has no handles in it that
// still look right. (Sanitizers have their own way. Not inlined: g++ 12 would take malloc() and
// `delete`, or `new` and free(), for a pair that does not match.)
#if !COURSE_ADDRESS_SANITIZER && !COURSE_THREAD_SANITIZER
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  if (block != nullptr) std::memset(block, 0xdd, ::malloc_usable_size(block));
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}
#endif

namespace {

// `co_await Stop(place)`: leaves its handle there, and names nobody.
class Stop {
 public:
  explicit Stop(std::coroutine_handle<>& place) : place_(place) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept { place_ = handle; }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<>& place_;
};

}  // namespace

TEST_CASE("who stops and names nobody is left alone: run() returns, and resumes no one twice") {
  std::coroutine_handle<> stopped;
  int steps = 0;
  auto child = [&]() -> Task<> {
    ++steps;
    co_await Stop(stopped);
    ++steps;
    co_await Stop(stopped);
    ++steps;
  };
  auto parent = [&]() -> Task<> {
    co_await child();
    ++steps;
  };
  Task<> task = parent();
  run(task.handle());
  REQUIRE(steps == 1);
  run(stopped);
  REQUIRE(steps == 2);
  run(stopped);
  CHECK(steps == 4);
}

TEST_CASE("each thread has its own next one: a loop resumes nobody of another thread") {
  std::thread::id here = std::this_thread::get_id();
  // While one is named here, and has not been resumed yet, another thread runs a task.
  class Meanwhile {
   public:
    explicit Meanwhile(Task<> task) : task_(std::move(task)) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      next_to_run = handle;
      std::thread([this] { run(task_.handle()); }).join();
    }
    void await_resume() const noexcept {}

   private:
    Task<> task_;
  };
  int ended = 0;
  auto quick = [&]() -> Task<> {
    CHECK(co_await value_of(1) == 1);
    ++ended;
  };
  auto parent = [&]() -> Task<> {
    Meanwhile meanwhile(quick());
    co_await meanwhile;
    CHECK(std::this_thread::get_id() == here);
    ++ended;
  };
  Task<> task = parent();
  run(task.handle());
  CHECK(ended == 2);
}

TEST_CASE("run() parks while it has tasks and none of them is ready, and not longer") {
  std::vector<std::coroutine_handle<>> stopped;
  // They are woken when run() parks for them.
  ReadyQueue::Watch watch;
  watch.before_park = [&](ReadyQueue& queue) {
    for (std::coroutine_handle<> handle : std::exchange(stopped, {})) queue.push(handle);
    if (queue.would_sleep()) throw std::logic_error("run() parks, and nobody will wake it");
  };
  int ended = 0;
  auto task = [&]() -> Task<> {
    std::coroutine_handle<>& place = stopped.emplace_back();
    co_await Stop(place);
    ++ended;
  };
  Executor executor;
  executor.run();
  for (int tasks : {1, 2}) {
    CAPTURE(tasks);
    ended = 0;
    stopped.reserve(2);
    for (int i = 0; i < tasks; ++i) executor.spawn(task());
    executor.run();
    CHECK(ended == tasks);
  }
}

TEST_CASE("a task that has ended is destroyed before the next one begins, and not before it ends") {
  Executor executor;
  std::vector<int> alive;
  auto task = [&](Counted) -> Task<> {
    Counted local;
    alive.push_back(Counted::alive);
    CHECK(co_await value_of(1) == 1);
    alive.push_back(Counted::alive);
  };
  for (int i = 0; i < 3; ++i) executor.spawn(task(Counted()));
  executor.run();
  CHECK(alive == std::vector<int>{4, 4, 3, 3, 2, 2});
  CHECK(Counted::alive == 0);
}

TEST_CASE("what a task has may spawn another one when it dies: that one is run as well") {
  int ended = 0;
  auto another = [&]() -> Task<> {
    ++ended;
    co_return;
  };
  auto task = [](std::shared_ptr<void>) -> Task<> { co_return; };
  bool running = false;
  auto spawns = [&](void*) {
    if (running) spawn(another());
  };
  Executor executor;
  for (int i = 0; i < 3; ++i) executor.spawn(task(std::shared_ptr<void>(nullptr, spawns)));
  running = true;
  executor.run();
  CHECK(ended == 3);
}

TEST_CASE("an executor drops its tasks before its queue, which they may stand in") {
  int queues = 0;
  auto task = [](std::shared_ptr<void>) -> Task<> { co_return; };
  {
    Executor executor;
    executor.spawn(
        task(std::shared_ptr<void>(nullptr, [&](void*) { queues = ReadyQueue::alive; })));
  }
  CHECK(queues == 1);
}

TEST_CASE(
    "an event that nobody waits for is kept: whoever asks next does not stop, but only once") {
  Task<int> nobody = value_of(0);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source");
  for (int i = 0; i < 2; ++i) {
    source.make_ready();
    let_the_reactor_catch_up();
  }
  CHECK_FALSE(registration.wait(nobody.handle(), queue));
  CHECK(registration.wait(nobody.handle(), queue));
  CHECK(queue.pop() == nullptr);
  source.make_ready();
  CHECK(next_in(queue) == nobody.handle());
}

TEST_CASE("a handle is handed on once: what happens next is kept for the next one who asks") {
  Task<int> first = value_of(1), second = value_of(2);
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  Registration registration = reactor.add(source.fd(), "source");
  REQUIRE(registration.wait(first.handle(), queue));
  source.make_ready();
  REQUIRE(next_in(queue) == first.handle());
  source.make_ready();
  let_the_reactor_catch_up();
  CHECK(queue.pop() == nullptr);
  CHECK_FALSE(registration.wait(second.handle(), queue));
}

TEST_CASE("each one is pushed into the queue that it has named") {
  Task<int> tasks[] = {value_of(0), value_of(1), value_of(2)};
  Source sources[3];
  Reactor reactor;
  ReadyQueue queues[3];
  std::vector<Registration> registrations;
  for (Source& source : sources) registrations.push_back(reactor.add(source.fd(), "source"));
  // The second time each waits for the same source, and names another queue. (What has resumed
  // somebody has happened since it was last asked: wait() may tell so once.)
  for (std::size_t shift : {0U, 1U}) {
    CAPTURE(shift);
    for (std::size_t i = 0; i < 3; ++i) {
      bool waits = registrations[i].wait(tasks[i].handle(), queues[(i + shift) % 3]);
      if (!waits) waits = registrations[i].wait(tasks[i].handle(), queues[(i + shift) % 3]);
      REQUIRE(waits);
    }
    for (std::size_t i : {1U, 0U, 2U}) {
      CAPTURE(i);
      sources[i].make_ready();
      std::coroutine_handle<> handles[3];
      CHECK(testing::eventually([&] {
        for (std::size_t j = 0; j < 3; ++j) handles[j] = queues[j].pop();
        return handles[0] || handles[1] || handles[2];
      }));
      for (std::size_t j = 0; j < 3; ++j)
        CHECK(handles[j] == (j == (i + shift) % 3 ? tasks[i].handle() : std::coroutine_handle<>()));
    }
  }
}

TEST_CASE("an event that comes in the middle of wait() is not lost") {
  Task<int> nobody = value_of(0), marker = value_of(1);
  bool in_the_middle = true;
  for (int place = 1; in_the_middle; ++place) {
    CAPTURE(place);
    Source source, after_it;
    Reactor reactor;
    ReadyQueue queue, other_queue;
    Registration registration = reactor.add(source.fd(), "source");
    Registration of_after_it = reactor.add(after_it.fd(), "after it");
    REQUIRE(of_after_it.wait(marker.handle(), other_queue));
    in_the_middle = false;
    bool waits = false;
    {
      // First before the first lock, then between that one and the next; at last nowhere.
      watched::Between between(place, [&] {
        in_the_middle = true;
        source.make_ready();
        after_it.make_ready();
        (void)next_in(other_queue);  // then the reactor has handled both
      });
      waits = registration.wait(nobody.handle(), queue);
    }
    if (!in_the_middle) {
      REQUIRE(waits);
      source.make_ready();
    }
    if (waits) CHECK((in_the_middle ? queue.pop() : next_in(queue)) == nobody.handle());
  }
}

TEST_CASE("whoever ends a registration waits until its handle has been pushed") {
  Task<int> nobody = value_of(0);
  Source source;
  std::atomic<bool> ended = false, ended_before = false, looked = false;
  ReadyQueue::Watch watch;
  Reactor reactor;
  ReadyQueue queue;
  std::optional<Registration> registration = reactor.add(source.fd(), "source");
  std::jthread other;
  // On the reactor's thread: it has begun to push, and somebody else wants to be rid of it.
  watch.before_push = [&](ReadyQueue&) {
    std::atomic<pid_t> id = 0;
    other = std::jthread([&] {
      id = ::gettid();
      registration.reset();
      ended = true;
      looked.wait(false);  // it can be asked whether it sleeps for as long as it lives
    });
    while (id == 0) std::this_thread::yield();
    int asleep = 0;  // times in a row
    (void)testing::eventually([&] {
      asleep = testing::sleeps(id) ? asleep + 1 : 0;
      return ended || asleep == 3;
    });
    ended_before = ended.load();
    looked = true;
    looked.notify_one();
  };
  REQUIRE(registration->wait(nobody.handle(), queue));
  source.make_ready();
  REQUIRE(next_in(queue) == nobody.handle());
  other.join();
  CHECK_FALSE(ended_before.load());
}

TEST_CASE("the reactor resumes nobody: its thread only puts the handle into the queue") {
  Source source;
  Reactor reactor;
  ReadyQueue queue;
  std::atomic<bool> resumed = false;
  auto body = [&]() -> Task<> {
    resumed = true;
    co_return;
  };
  Task<> task = body();
  Registration registration = reactor.add(source.fd(), "source");
  REQUIRE(registration.wait(task.handle(), queue));
  source.make_ready();
  std::coroutine_handle<> handle;
  CHECK(testing::eventually([&] { return resumed || (handle = queue.pop()) != nullptr; }));
  CHECK_FALSE(resumed);
}

TEST_CASE("an event whose registration ends before it is handled finds nobody") {
  Task<int> nobody = value_of(0);
  for (bool waits : {false, true}) {
    CAPTURE(waits);
    Source source;
    Reactor reactor;
    ReadyQueue queue;
    std::optional<Registration> registration = reactor.add(source.fd(), "source");
    if (waits) REQUIRE(registration->wait(nobody.handle(), queue));
    // When the reactor has been told of the event, and has not looked whose it is.
    testing::After after(
        "epoll_wait*", 1, [&](int) { registration.reset(); }, testing::After::Of::any_thread);
    source.make_ready();
    REQUIRE(testing::eventually([&] { return after.has_run(); }));
    let_the_reactor_catch_up();
    CHECK(queue.pop() == nullptr);
  }
}

TEST_CASE("the program makes its requests one after the other, and sleeps in between") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2"});
  CHECK(server.stats().peak_in_flight == 1);
  bool result =
      counted.result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(result);
  CHECK(counted.calls["epoll_wait"] <= 3 * 6);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
