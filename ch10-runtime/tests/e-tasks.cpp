// The suite of ch10/e-tasks.

#include <unistd.h>

#include <atomic>
#include <coroutine>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "watched.hpp"

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue)
#include "join_cases.hpp"

namespace {

// Looks, when all others have had their turns, whether somebody who awaits has gone on. If not, it
// resumes them, and the case ends.
class Lookout {
 public:
  // `co_await lookout.begin()`, by whoever will wait. Does not stop.
  class Begin {
   public:
    explicit Begin(Lookout& its) : its_(its) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) const {
      its_.waiter_ = handle;
      spawn(its_.look());
      return false;
    }
    void await_resume() const noexcept {}

   private:
    Lookout& its_;
  };
  Begin begin() { return Begin(*this); }
  void gone_on() { waiter_ = nullptr; }
  [[nodiscard]] bool was_needed() const { return was_needed_; }

 private:
  Task<> look() {
    for (int turns = 0; turns < 5; ++turns) co_await Turn();
    was_needed_ = waiter_ != nullptr;
    if (was_needed_) Executor::current().ready().push(waiter_);
  }

  std::coroutine_handle<> waiter_ = nullptr;
  bool was_needed_ = false;
};

// `co_await On(queue)`: goes on where that queue is emptied.
class On {
 public:
  explicit On(ReadyQueue& queue) : queue_(queue) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const { queue_.push(handle); }
  void await_resume() const noexcept {}

 private:
  ReadyQueue& queue_;
};

}  // namespace

TEST_CASE("whoever awaits a task that has ended already goes on") {
  Lookout lookout;
  run_body([&]() -> Task<> {
    JoinHandle<int> handle = spawn(value_of(7));
    co_await Turn();
    co_await lookout.begin();
    CHECK(co_await std::move(handle) == 7);
    lookout.gone_on();
  });
  CHECK_FALSE(lookout.was_needed());
}

TEST_CASE("whoever awaits a task that goes on is resumed when it has ended") {
  Lookout lookout;
  bool ended = false;
  auto slow = [&]() -> Task<> {
    co_await Turn();
    ended = true;
  };
  run_body([&]() -> Task<> {
    JoinHandle<void> handle = spawn(slow());
    co_await lookout.begin();
    co_await std::move(handle);
    CHECK(ended);
    lookout.gone_on();
  });
  CHECK_FALSE(lookout.was_needed());
}

TEST_CASE(
    "an exception is kept for whoever awaits the handle later, and comes out of nothing else") {
  run_body([&]() -> Task<> {
    JoinHandle<int> handle = spawn(thrown("on purpose"));
    co_await Turn();
    bool caught = false;
    try {
      (void)co_await std::move(handle);
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "on purpose";
    }
    CHECK(caught);
  });
}

TEST_CASE(
    "an exception that came out of run() is still there for whoever awaits the handle later") {
  std::optional<JoinHandle<int>> kept;
  bool caught = false;
  auto begin = [&]() -> Task<> {
    kept = spawn(thrown("kept"));
    co_return;
  };
  auto later = [&]() -> Task<> {
    try {
      (void)co_await std::move(*kept);
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "kept";
    }
  };
  Executor executor;
  executor.spawn(begin());
  CHECK_THROWS_WITH_AS(executor.run(), "kept", std::runtime_error);
  executor.spawn(later());
  executor.run();
  CHECK(caught);
}

TEST_CASE("to drop a handle is not to await it: also when the task has ended by then") {
  auto body = []() -> Task<> {
    {
      [[maybe_unused]] JoinHandle<int> dropped = spawn(thrown("dropped"));
      co_await Turn();
    }
    co_await Turn();
  };
  Executor executor;
  executor.spawn(body());
  CHECK_THROWS_WITH_AS(executor.run(), "dropped", std::runtime_error);
}

TEST_CASE("a handle keeps what the task has found out, and not the task") {
  auto task = [](Counted) -> Task<int> {
    Counted local;
    co_return 7;
  };
  run_body([&]() -> Task<> {
    JoinHandle<int> handle = spawn(task(Counted()));
    CHECK(Counted::alive == 1);
    co_await Turn();
    CHECK(Counted::alive == 0);
    CHECK(co_await std::move(handle) == 7);
  });
}

TEST_CASE("two thousand tasks await each other's handles: their ends do not grow the stack") {
  Reach reach;
  constexpr int tasks = 2'000;
  std::function<Task<int>(int)> level = [&](int depth) -> Task<int> {
    int below = 0;
    if (depth > 0) below = co_await spawn(level(depth - 1));
    reach.look();
    co_return below + 1;
  };
  run_body([&]() -> Task<> { CHECK(co_await level(tasks) == tasks + 1); });
  CHECK(reach.bytes() < 64 * 1024);
}

TEST_CASE("whoever awaits a handle may be destroyed before the task ends: nobody is resumed then") {
  bool looked = false;
  auto awaits = [](JoinHandle<int> handle) -> Task<> { (void)co_await std::move(handle); };
  auto look = [&]() -> Task<> {
    CHECK(Executor::current().ready().pop() == nullptr);
    looked = true;
    co_return;
  };
  run_body([&]() -> Task<> {
    JoinHandle<int> handle = spawn(value_of(7));
    spawn(look());  // begins when that has ended
    Task<> waits = awaits(std::move(handle));
    run(waits.handle());
    co_return;
  });
  CHECK(looked);
}

TEST_CASE("after a blocking call the coroutine goes on on its executor's thread") {
  std::thread::id here = std::this_thread::get_id();
  run_body([&]() -> Task<> {
    ReadyQueue& queue = Executor::current().ready();
    auto call = [] { return 7; };
    CHECK(co_await spawn_blocking(call) == 7);
    bool at_home = std::this_thread::get_id() == here;
    if (!at_home) co_await On(queue);
    CHECK(at_home);
  });
}

TEST_CASE(
    "whoever waits for a blocking call may be destroyed: that waits for the end of the call") {
  pid_t here = ::gettid();
  std::atomic<bool> begun = false, destroying = false, destroyed = false;
  bool returned_first = false;
  auto call = [&] {
    begun = true;
    CHECK(testing::eventually([&] { return destroyed || (destroying && testing::sleeps(here)); }));
    returned_first = !destroyed;
  };
  auto waits = [&]() -> Task<> { co_await spawn_blocking(call); };
  run_body([&]() -> Task<> {
    std::optional<Task<>> task = waits();
    run(task->handle());
    CHECK(testing::eventually([&] { return begun.load(); }));
    destroying = true;
    task.reset();
    destroyed = true;
    // The end of the call may have put the handle into the queue, of a coroutine that is gone.
    ReadyQueue& queue = Executor::current().ready();
    if (queue.pop() == nullptr && !returned_first)
      (void)testing::eventually([&] { return queue.pop() != nullptr; });
    co_return;
  });
  CHECK(returned_first);
}

TEST_CASE("whoever waits for a blocking call may be destroyed before that has begun, too") {
  pid_t here = ::gettid();
  constexpr int most = static_cast<int>(BlockingThreads::most);
  std::atomic<int> running = 0;
  std::atomic<bool> destroying = false, destroyed = false, released = false, called = false;
  auto occupies = [&]() -> Task<> {
    auto call = [&] {
      ++running;
      released.wait(false);
    };
    co_await spawn_blocking(call);
  };
  std::coroutine_handle<> gone;
  auto waits = [&]() -> Task<> {
    auto call = [&called] { called = true; };
    co_await spawn_blocking(call);
  };
  bool called_first = false;
  run_body([&]() -> Task<> {
    for (int i = 0; i < most; ++i) spawn(occupies());
    co_await Turn();
    CHECK(testing::eventually([&] { return running == most; }));
    // All threads are taken: this call stands in the queue.
    std::optional<Task<>> task = waits();
    gone = task->handle();
    run(gone);
    std::jthread releases([&] {
      (void)testing::eventually([&] { return destroyed || (destroying && testing::sleeps(here)); });
      released = true;
      released.notify_all();
    });
    destroying = true;
    task.reset();
    called_first = called;
    destroyed = true;
    releases.join();
    // The handles of all, and one of them is that of a coroutine that is gone.
    std::vector<std::coroutine_handle<>> handles;
    ReadyQueue& queue = Executor::current().ready();
    while (handles.size() <= most) {
      std::coroutine_handle<> next = next_in(queue);
      REQUIRE(next != nullptr);
      handles.push_back(next);
    }
    for (std::coroutine_handle<> handle : handles)
      if (handle != gone) queue.push(handle);
  });
  CHECK(called_first);
}

TEST_CASE("whoever waits for a blocking call may be destroyed while its handle is pushed, too") {
  pid_t here = ::gettid();
  std::atomic<bool> pushing = false, destroying = false, destroyed = false, pushed_first = false;
  auto waits = []() -> Task<> {
    auto call = [] {};
    co_await spawn_blocking(call);
  };
  ReadyQueue::Watch watch;
  run_body([&]() -> Task<> {
    std::optional<Task<>> task = waits();
    // On the thread of the call.
    watch.before_push = [&](ReadyQueue&) {
      pushing = true;
      int asleep = 0;  // times in a row
      (void)testing::eventually([&] {
        asleep = destroying && testing::sleeps(here) ? asleep + 1 : 0;
        return destroyed || asleep == 3;
      });
      pushed_first = !destroyed;
    };
    run(task->handle());
    CHECK(testing::eventually([&] { return pushing.load(); }));
    destroying = true;
    task.reset();
    destroyed = true;
    (void)next_in(Executor::current().ready());  // the handle of a coroutine that is gone
    watch.before_push = nullptr;
    co_return;
  });
  CHECK(pushed_first.load());
}

TEST_CASE("the program has its three requests in flight at once, and blocks nobody") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 3);
  CHECK(server.stats().peak_in_flight == 3);
  bool result =
      counted.result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(result);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
