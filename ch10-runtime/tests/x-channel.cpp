// The suite of ch10/x-channel.

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cancel.hpp"
#include "channel.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "group.hpp"
#include "mutex.hpp"
#include "sleep.hpp"
#include "task.hpp"

#define REGISTRATION_WAITS(registration, handle, queue) registration.readable().wait(handle)
#define PUSH_AS_LAST push_last
#define WORKERS_STEAL
#define REACTOR_IS_THE_EXECUTORS
#define TASKS_ARE_GIVEN
#define REACTOR_IS_GIVEN
#include "tasks.hpp"

namespace {

Task<> receive_into(Channel<int>& channel, std::vector<int>& values) {
  while (std::optional<int> value = co_await channel.receive()) values.push_back(*value);
}

// How the wait for a value ends: "value", "closed" or "cancelled".
Task<std::string> ending_of(Channel<int>& channel) {
  try {
    co_return (co_await channel.receive()) ? "value" : "closed";
  } catch (const Cancelled&) {
    co_return "cancelled";
  }
}

}  // namespace

TEST_CASE("values are received in the order in which they were posted, before and after a wait") {
  std::vector<int> values;
  run_body([&]() -> Task<> {
    Channel<int> channel;
    CHECK(channel.post(1));
    CHECK(channel.post(2));
    JoinHandle<void> receiver = spawn(receive_into(channel, values));
    co_await Turn();
    CHECK(values == std::vector<int>{1, 2});
    CHECK(channel.post(3));
    CHECK(values.size() == 2);  // whoever posts goes on first
    co_await Turn();
    CHECK(values == std::vector<int>{1, 2, 3});
    channel.close();
    co_await std::move(receiver);
  });
}

TEST_CASE("a value can be moved only, and is not copied on its way") {
  run_body([]() -> Task<> {
    Channel<std::unique_ptr<int>> channel;
    channel.post(std::make_unique<int>(7));
    std::optional<std::unique_ptr<int>> value = co_await channel.receive();
    REQUIRE(value);
    CHECK(**value == 7);
  });
}

TEST_CASE("close(): what was posted before is received, nothing is posted any more") {
  std::vector<int> values;
  run_body([&]() -> Task<> {
    Channel<int> channel;
    for (int i = 1; i <= 3; ++i) channel.post(i);
    channel.close();
    CHECK_FALSE(channel.post(4));
    channel.close();  // again: no harm
    co_await receive_into(channel, values);
    CHECK_FALSE(co_await channel.receive());
  });
  CHECK(values == std::vector<int>{1, 2, 3});
}

TEST_CASE("posted and closed between the two looks of a receiver: the value is not lost") {
  run_body([]() -> Task<> {
    Channel<int> channel;
    Task<> somebody = []() -> Task<> { co_return; }();
    Channel<int>::Receive receive(channel);
    REQUIRE_FALSE(receive.await_ready());
    channel.post(1);
    channel.close();
    REQUIRE_FALSE(receive.await_suspend(somebody.handle()));
    CHECK(receive.await_resume() == 1);
    co_return;
  });
}

TEST_CASE("close() lets all go on who wait") {
  run_body([]() -> Task<> {
    Channel<int> channel;
    std::vector<JoinHandle<std::string>> endings;
    for (int i = 0; i < 3; ++i) endings.push_back(spawn(ending_of(channel)));
    co_await Turn();
    channel.close();
    for (JoinHandle<std::string>& ending : endings) CHECK(co_await std::move(ending) == "closed");
  });
}

TEST_CASE("whoever has waited longest receives first") {
  std::vector<int> order;
  run_body([&]() -> Task<> {
    Channel<int> channel;
    auto receive = [&](int number) -> Task<> {
      co_await channel.receive();
      order.push_back(number);
    };
    std::vector<JoinHandle<void>> all;
    for (int i = 1; i <= 3; ++i) {
      all.push_back(spawn(receive(i)));
      co_await Turn();
    }
    for (int i = 0; i < 3; ++i) {
      channel.post(i);
      co_await Turn();
    }
    for (JoinHandle<void>& one : all) co_await std::move(one);
  });
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("a receiver that is stopped leaves the line, wherever it stands, and takes no value") {
  for (int stopped = 0; stopped < 3; ++stopped) {
    run_body([&]() -> Task<> {
      Channel<int> channel;
      std::stop_source stop;
      std::vector<JoinHandle<std::string>> endings;
      for (int i = 0; i < 3; ++i) {
        std::stop_token token = i == stopped ? stop.get_token() : std::stop_token();
        auto with_its_token = [](std::stop_token its, Task<std::string> task) -> Task<std::string> {
          co_return co_await with_token(std::move(its), std::move(task));
        };
        endings.push_back(spawn(with_its_token(token, ending_of(channel))));
        co_await Turn();
      }
      stop.request_stop();
      channel.post(1);
      channel.post(2);
      for (int i = 0; i < 3; ++i) {
        std::string how = co_await std::move(endings[static_cast<std::size_t>(i)]);
        CHECK(how == (i == stopped ? "cancelled" : "value"));
      }
    });
  }
}

TEST_CASE("stopped before: what is there is received, and a wait is cancelled") {
  run_body([]() -> Task<> {
    Channel<int> channel;
    std::stop_source stop;
    stop.request_stop();
    channel.post(1);
    CHECK(co_await with_token(stop.get_token(), ending_of(channel)) == "value");
    CHECK(co_await with_token(stop.get_token(), ending_of(channel)) == "cancelled");
  });
}

TEST_CASE("a stop and a post at once: the value is received, or is still there") {
  for (int i = 0; i < 300; ++i) {
    run_body([&]() -> Task<> {
      Channel<int> channel;
      std::stop_source stop;
      std::thread other([&] {
        auto then = std::chrono::steady_clock::now() + i % 20 * 2us;
        while (std::chrono::steady_clock::now() < then) continue;
        stop.request_stop();
      });
      std::thread another([&] { channel.post(1); });
      std::string how = co_await with_token(stop.get_token(), ending_of(channel));
      other.join();
      another.join();
      channel.close();
      CHECK((co_await channel.receive()).has_value() == (how == "cancelled"));
    });
  }
}

TEST_CASE("many on both sides, on 1, 2 and 4 workers: each value is received once") {
  constexpr int posters = 4, receivers = 3, each = 2000;
  for (std::size_t workers : {1u, 2u, 4u}) {
    std::vector<std::atomic<int>> seen(posters * each);
    auto post = [&](Channel<int>& channel, int first) -> Task<> {
      for (int i = 0; i < each; ++i) {
        channel.post(first + i);
        if (i % 16 == 0) co_await Turn();
      }
    };
    auto receive = [&](Channel<int>& channel) -> Task<> {
      while (std::optional<int> value = co_await channel.receive())
        ++seen[static_cast<std::size_t>(*value)];
    };
    auto body = [&]() -> Task<> {
      Channel<int> channel;
      std::vector<Task<>> posting, receiving;
      for (int i = 0; i < posters; ++i) posting.push_back(post(channel, i * each));
      for (int i = 0; i < receivers; ++i) receiving.push_back(receive(channel));
      JoinHandle<void> all = spawn(when_all(std::move(receiving)));
      co_await when_all(std::move(posting));
      channel.close();
      co_await std::move(all);
    };
    run_on(workers, body());
    int wrong = 0;
    for (const std::atomic<int>& times : seen) wrong += times != 1;
    CHECK(wrong == 0);
  }
}

TEST_CASE("a mutex is held across waits: nobody else is inside, and each has its turn") {
  for (std::size_t workers : {1u, 2u, 4u}) {
    Mutex mutex;
    int inside = 0, most = 0, done = 0;
    auto work = [&]() -> Task<> {
      for (int i = 0; i < 50; ++i) {
        Mutex::Guard guard = co_await mutex.lock();
        most = std::max(most, ++inside);
        co_await Turn();
        --inside;
        ++done;
      }
    };
    auto body = [&]() -> Task<> {
      std::vector<Task<>> all;
      for (int i = 0; i < 8; ++i) all.push_back(work());
      co_await when_all(std::move(all));
    };
    run_on(workers, body());
    CHECK(most == 1);
    CHECK(done == 8 * 50);
  }
}

TEST_CASE("a mutex is unlocked by an exception, and by a stop of whoever waits it is not taken") {
  run_body([]() -> Task<> {
    Mutex mutex;
    auto fails = [&]() -> Task<> {
      Mutex::Guard guard = co_await mutex.lock();
      throw std::runtime_error("inside");
    };
    bool failed = false;
    try {
      co_await fails();
    } catch (const std::runtime_error&) {
      failed = true;
    }
    CHECK(failed);
    std::optional<Mutex::Guard> guard(co_await mutex.lock());
    std::stop_source stop;
    auto waits = [&]() -> Task<std::string> {
      try {
        Mutex::Guard its = co_await mutex.lock();
        co_return "locked";
      } catch (const Cancelled&) {
        co_return "cancelled";
      }
    };
    auto stopped = [&]() -> Task<std::string> {
      co_return co_await with_token(stop.get_token(), waits());
    };
    JoinHandle<std::string> how = spawn(stopped());
    co_await Turn();
    stop.request_stop();
    CHECK(co_await std::move(how) == "cancelled");
    guard.reset();
    CHECK(co_await waits() == "locked");
  });
}

TEST_CASE("the program has never more than two requests at the same time") {
  testing::Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(counted.result.out.find("5 answers") != std::string::npos);
  CHECK(server.stats().served == 5);
  CHECK(server.stats().peak_in_flight == 2);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
