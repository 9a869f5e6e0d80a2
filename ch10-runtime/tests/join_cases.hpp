#pragma once
// What join handles and blocking calls promise, for the suites of e to h.

#include <atomic>
#include <thread>

#include "blocking.hpp"
#include "join_handle.hpp"
#include "tasks.hpp"

#ifndef TASKS_ARE_GIVEN

TEST_CASE("a join handle waits for the task, and gives its result, whoever is first") {
  run_body([&]() -> Task<> {
    JoinHandle<int> early = spawn(value_of(1));
    JoinHandle<int> late = spawn(value_of(2));
    auto nothing = []() -> Task<> { co_return; };
    co_await spawn(nothing());  // by then both have ended
    CHECK(co_await std::move(late) == 2);
    CHECK(co_await std::move(early) == 1);
    auto pointer = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    std::unique_ptr<int> three = co_await spawn(pointer());
    CHECK(*three == 3);
  });
}

TEST_CASE("an exception is for whoever awaits the handle, and then comes out of nothing else") {
  run_body([&]() -> Task<> {
    JoinHandle<int> handle = spawn(thrown("on purpose"));
    bool caught = false;
    try {
      (void)co_await std::move(handle);
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "on purpose";
    }
    CHECK(caught);
  });
}

TEST_CASE("nobody awaits it: the exception comes out of run(), also if the handle was kept") {
  std::optional<JoinHandle<int>> kept;
  Executor executor;
  auto body = [&]() -> Task<> {
    spawn(value_of(1));
    kept = spawn(thrown("kept"));
    co_await Turn();
    spawn(thrown("dropped"));
  };
  executor.spawn(body());
  CHECK_THROWS_WITH_AS(executor.run(), "kept", std::runtime_error);
  executor.run();  // it has been told once
}

TEST_CASE("a handle that is dropped lets its task go on") {
  Source source;
  Reactor reactor;
  bool done = false;
  auto waits = [&]() -> Task<> {
    Counted local;
    Registration registration = reactor.add(source.fd(), "source");
    co_await UntilReady(registration);
    done = true;
  };
  run_body([&]() -> Task<> {
    {
      [[maybe_unused]] JoinHandle<void> dropped = spawn(waits());
    }
    source.make_ready();
    co_return;
  });
  CHECK(done);
}

TEST_CASE("a handle is awaited once: again it is an error") {
  run_body([&]() -> Task<> {
    JoinHandle<int> handle = spawn(value_of(1));
    CHECK(co_await std::move(handle) == 1);
    bool caught = false;
    try {
      (void)co_await std::move(handle);
    } catch (const std::logic_error&) {
      caught = true;
    }
    CHECK(caught);
  });
}

TEST_CASE("a blocking call runs on another thread, and others go on meanwhile") {
  Source source;
  Reactor reactor;
  std::atomic<bool> released = false;
  std::vector<std::string> order;
  run_body([&]() -> Task<> {
    std::thread::id home = std::this_thread::get_id();
    auto other = [&]() -> Task<> {
      order.push_back("other");
      released = true;  // the call below does not return before this
      co_return;
    };
    spawn(other());
    auto call = [&] {
      CHECK(std::this_thread::get_id() != home);
      CHECK(testing::eventually([&] { return released.load(); }));
      return 7;
    };
    CHECK(co_await spawn_blocking(call) == 7);
    CHECK(std::this_thread::get_id() == home);
    order.push_back("call");
  });
  CHECK(order == std::vector<std::string>{"other", "call"});
}

TEST_CASE("a blocking call: its exception comes out of the await; it may return nothing") {
  run_body([&]() -> Task<> {
    Counted local;
    auto fails = []() -> int { throw std::runtime_error("blocked"); };
    bool caught = false;
    try {
      (void)co_await spawn_blocking(fails);
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "blocked";
    }
    CHECK(caught);
    bool called = false;
    auto nothing = [&] { called = true; };
    co_await spawn_blocking(nothing);
    CHECK(called);
  });
}

TEST_CASE("more blocking calls than threads: all return in the end, and no more run at once") {
  std::atomic<int> running = 0, most = 0, calls = 0;
  auto task = [&]() -> Task<> {
    auto call = [&] {
      int now = ++running;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      ++calls;
      --running;
    };
    co_await spawn_blocking(call);
  };
  run_body([&]() -> Task<> {
    for (int i = 0; i < 300; ++i) spawn(task());
    co_return;
  });
  CHECK(calls == 300);
  CHECK(most <= static_cast<int>(BlockingThreads::most));
}

TEST_CASE("calls that all wait for each other run at once, as many as there are threads") {
  std::atomic<int> arrived = 0;
  constexpr int count = 8;
  auto task = [&]() -> Task<> {
    auto call = [&] {
      ++arrived;
      return testing::eventually([&] { return arrived == count; });
    };
    CHECK(co_await spawn_blocking(call));
  };
  run_body([&]() -> Task<> {
    for (int i = 0; i < count; ++i) spawn(task());
    co_return;
  });
}

#endif
