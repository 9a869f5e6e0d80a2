#pragma once
// What WorkQueue promises: against a model, and in every order of what its owner and thieves do.
// To be included before everything else of the stage.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "store_buffers.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"
#define atomic buffered_atomic
#define atomic_thread_fence buffered_fence
#include "work_queue.hpp"
#undef atomic
#undef atomic_thread_fence

namespace work_queue_cases {

using interleavings::Buffer;
using interleavings::Explorer;
using interleavings::Run;

inline constexpr int room = 1024;

// Handles that nobody resumes: each has a number.
inline std::array<char, 8192> places;
inline std::coroutine_handle<> item(int number) {
  return std::coroutine_handle<>::from_address(&places.at(static_cast<std::size_t>(number)));
}
inline int number_of(std::coroutine_handle<> handle) {
  return handle ? static_cast<int>(static_cast<char*>(handle.address()) - places.data()) : -1;
}
inline std::string name_of(int number) { return "item " + std::to_string(number); }

struct Scene {
  WorkQueue queue;
  std::vector<std::vector<int>> taken;  // by each thread
  int pushed = 0;                       // 0, 1, 2, ... in this order
  int said_empty_at = 0;                // so many had been pushed when pop() last gave nothing
  bool seen = true;                     // what was written before push(), by whoever stole
  bool refused = false;                 // by push(), though there was room
};

// `stored` items lie in the queue, after it went round by `before`. The owner's program is a string
// of push() `+` and pop() `-`; each thief calls steal() so often.
inline std::string in_every_order(int before, int stored, const std::string& program,
                                  const std::vector<int>& thieves, int switches) {
#if COURSE_THREAD_SANITIZER
  // Here the threads take turns, and the sanitizer, which takes long for that, sees nothing.
  constexpr int at_most = 100;
  switches = std::min(switches, 1);
#else
  // (Of some programs those are not all orders. In an emulator a switch takes ten times as long.)
  const int at_most = testing::emulated() ? 100 : 1000;
#endif
  return Explorer::explore(
      [&](Run& run, Explorer::Threads& threads) -> std::function<void()> {
        auto scene = std::make_shared<Scene>();
        for (int i = 0; i < before; ++i)
          if (!scene->queue.push(item(0)) || !scene->queue.steal())
            run.fail("it does not go round");
        for (; scene->pushed < stored; ++scene->pushed)
          if (!scene->queue.push(item(scene->pushed))) scene->refused = true;
        scene->taken.resize(thieves.size() + 1);
        Buffer::add(threads, "owner", [scene, program] {
          for (char step : program) {
            if (step == '+') {
              if (Run::current != nullptr && scene->pushed < 30)
                Run::current->known |= 1U << scene->pushed;
              // Where a thief may have made room or not, the owner may be told that it has not.
              if (scene->queue.push(item(scene->pushed)))
                ++scene->pushed;
              else if (scene->pushed < room)
                scene->refused = true;
            } else if (std::coroutine_handle<> handle = scene->queue.pop()) {
              scene->taken[0].push_back(number_of(handle));
            } else {
              scene->said_empty_at = scene->pushed;
            }
          }
        });
        for (std::size_t i = 1; i <= thieves.size(); ++i)
          Buffer::add(threads, "thief " + std::to_string(i), [&run, scene, stored, i, thieves] {
            for (int j = 0; j < thieves[i - 1]; ++j) {
              int number = number_of(scene->queue.steal());
              if (number < 0) continue;
              scene->taken[i].push_back(number);
              if (run.has_steps() && Run::current != nullptr && number >= stored && number < 30 &&
                  (Run::current->known & 1U << number) == 0)
                scene->seen = false;
            }
          });
        threads.add("the end", [] {}, true);
        return [&run, scene] {
          std::vector<int> times(static_cast<std::size_t>(scene->pushed) + 1);
          auto count = [&](int number) {
            if (number >= scene->pushed)
              run.fail(name_of(number) + " came out, which push() did not take");
            else if (++times[static_cast<std::size_t>(number)] == 2)
              run.fail(name_of(number) + " came out twice");
          };
          for (std::size_t i = 0; i < scene->taken.size(); ++i)
            for (std::size_t j = 0; j < scene->taken[i].size(); ++j) {
              count(scene->taken[i][j]);
              if (i > 0 && j > 0 && scene->taken[i][j] < scene->taken[i][j - 1])
                run.fail("a thief got " + name_of(scene->taken[i][j]) + " after a newer one");
            }
          for (int i = 0; i < 2 * room; ++i) {
            int number = number_of(scene->queue.pop());
            if (number < 0) break;
            count(number);
            if (number < scene->said_empty_at)
              run.fail("pop() gave nothing, and " + name_of(number) + " lay there");
          }
          for (int i = 0; i < scene->pushed; ++i)
            if (times[static_cast<std::size_t>(i)] == 0) run.fail(name_of(i) + " is lost");
          if (!scene->queue.empty()) run.fail("all was taken, and empty() says no");
          if (!scene->seen) run.fail("a thief does not see what was written before push()");
          if (scene->refused) run.fail("push() refused an item, and there was room");
        };
      },
      nullptr, switches, at_most);
}

}  // namespace work_queue_cases

TEST_CASE("the owner pops the newest, a thief steals the oldest, and nothing comes of nothing") {
  using namespace work_queue_cases;
  WorkQueue queue;
  CHECK(queue.empty());
  CHECK(number_of(queue.pop()) == -1);
  CHECK(number_of(queue.steal()) == -1);
  for (int i = 0; i < 4; ++i) REQUIRE(queue.push(item(i)));
  CHECK(!queue.empty());
  CHECK(number_of(queue.pop()) == 3);
  CHECK(number_of(queue.steal()) == 0);
  CHECK(number_of(queue.pop()) == 2);
  CHECK(number_of(queue.steal()) == 1);
  CHECK(queue.empty());
  CHECK(number_of(queue.steal()) == -1);
  CHECK(number_of(queue.pop()) == -1);
}

TEST_CASE("there is room for 1024: push() refuses the next one, and loses none") {
  using namespace work_queue_cases;
  WorkQueue queue;
  for (int i = 0; i < room; ++i) REQUIRE(queue.push(item(i)));
  CHECK(!queue.push(item(room)));
  CHECK(number_of(queue.steal()) == 0);
  CHECK(queue.push(item(room)));
  CHECK(!queue.push(item(room + 1)));
  for (int i = room; i > 0; --i) REQUIRE(number_of(queue.pop()) == i);
  CHECK(queue.empty());
}

TEST_CASE("20,000 steps by chance: what comes out is what a model says") {
  using namespace work_queue_cases;
  auto queue = std::make_unique<WorkQueue>();
  std::deque<int> model;
  std::minstd_rand random(1);
  auto steal = [&] {
    int expected = model.empty() ? -1 : model.front();
    if (!model.empty()) model.pop_front();
    REQUIRE(number_of(queue->steal()) == expected);
  };
  for (int i = 0; i < 20'000; ++i) {
    // For a while more comes than goes, then the other way round.
    unsigned pushes = i / 4000 % 2 == 0 ? 7 : 3;
    if (random() / 8 % 10 < pushes) {
      bool fits = model.size() < room;
      REQUIRE(queue->push(item(i % 8000)) == fits);
      if (fits) model.push_back(i % 8000);
    } else if (random() / 8 % 2 == 0) {
      int expected = model.empty() ? -1 : model.back();
      if (!model.empty()) model.pop_back();
      REQUIRE(number_of(queue->pop()) == expected);
    } else {
      steal();
    }
    REQUIRE(queue->empty() == model.empty());
  }
  while (!model.empty()) steal();
}

TEST_CASE("the last item goes to its owner or to a thief, in whatever order they come") {
  CHECK(work_queue_cases::in_every_order(0, 1, "-", {1}, 2) == "");
  CHECK(work_queue_cases::in_every_order(0, 1, "-+", {1}, 1) == "");
}

TEST_CASE("of two items one is popped and one stolen, in whatever order") {
  CHECK(work_queue_cases::in_every_order(0, 2, "-", {2}, 2) == "");
  CHECK(work_queue_cases::in_every_order(0, 2, "--", {1}, 2) == "");
}

TEST_CASE("two thieves and the owner never get the same item") {
  CHECK(work_queue_cases::in_every_order(0, 1, "-", {1, 1}, 1) == "");
  CHECK(work_queue_cases::in_every_order(0, 2, "-", {1, 1}, 1) == "");
}

TEST_CASE("who steals an item sees it, and what was written before it was pushed") {
  CHECK(work_queue_cases::in_every_order(0, 0, "++-", {1}, 2) == "");
  CHECK(work_queue_cases::in_every_order(0, 1, "-+", {2}, 1) == "");
}

TEST_CASE("a full ring: the place of a stolen item is used again when it has been read") {
  CHECK(work_queue_cases::in_every_order(0, 1024, "+", {1}, 2) == "");
  CHECK(work_queue_cases::in_every_order(1000, 1024, "+-", {1}, 2) == "");
}
