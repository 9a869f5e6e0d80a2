// The suite of ch08/c-reactor-executor. (The stage's headers come with executor_cases.hpp, which
// puts its own Parker in front of them.)

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "executor_cases.hpp"
#include "program_cases.hpp"

namespace {

// All that is in the queue, in its order.
std::vector<TaskId> all_of(ReadyQueue& queue) {
  std::vector<TaskId> all;
  while (std::optional<TaskId> task = queue.pop()) {
    REQUIRE(all.size() < 10'000);
    all.push_back(*task);
  }
  return all;
}

}  // namespace

TEST_CASE("the queue is first in, first out, and empty when all have been taken out") {
  ReadyQueue queue;
  CHECK_FALSE(queue.pop().has_value());
  constexpr TaskId big = std::numeric_limits<TaskId>::max();
  for (TaskId task : {TaskId{3}, TaskId{0}, big, TaskId{1}}) queue.push(task);
  CHECK(queue.pop() == TaskId{3});
  queue.push(2);
  CHECK(all_of(queue) == std::vector<TaskId>{0, big, 1, 2});
  CHECK_FALSE(queue.pop().has_value());
}

TEST_CASE("a task stands in the queue once at most, where it has stood first") {
  ReadyQueue queue;
  for (TaskId task : std::vector<TaskId>{1, 2, 1, 3, 2, 2}) queue.push(task);
  CHECK(all_of(queue) == std::vector<TaskId>{1, 2, 3});
}

TEST_CASE("a task that has been taken out of the queue goes to its end when it comes again") {
  ReadyQueue queue;
  queue.push(1);
  queue.push(2);
  CHECK(queue.pop() == TaskId{1});
  queue.push(1);
  queue.push(2);  // this one stands in it still
  CHECK(queue.pop() == TaskId{2});
  queue.push(2);
  CHECK(all_of(queue) == std::vector<TaskId>{1, 2});
}

TEST_CASE("many threads push and pop at once: every number comes out, and once") {
  constexpr TaskId each = 500;
  constexpr std::size_t threads = 3;
  ReadyQueue queue;
  std::atomic<std::size_t> taken = 0;
  std::vector<std::vector<TaskId>> popped(threads);
  std::vector<std::future<void>> others;
  for (std::size_t i = 0; i < threads; ++i) {
    others.push_back(meanwhile([&, i] {
      for (TaskId task = 0; task < each; ++task) queue.push(i * each + task);
    }));
    others.push_back(meanwhile([&, i] {
      CHECK(testing::eventually([&] {
        while (std::optional<TaskId> task = queue.pop()) {
          popped[i].push_back(*task);
          ++taken;
        }
        return taken == threads * each;
      }));
    }));
  }
  for (std::future<void>& one : others) one.get();
  std::vector<TaskId> all;
  for (const std::vector<TaskId>& one : popped) {
    for (std::size_t i = 0; i < threads; ++i) {  // what one thread has pushed comes in its order
      std::vector<TaskId> of_one;
      std::ranges::copy_if(one, std::back_inserter(of_one),
                           [i](TaskId task) { return task / each == i; });
      CHECK(std::ranges::is_sorted(of_one));
    }
    all.insert(all.end(), one.begin(), one.end());
  }
  std::ranges::sort(all);
  bool complete = all.size() == threads * each;
  for (TaskId task = 0; complete && task < all.size(); ++task) complete = all[task] == task;
  CHECK(complete);
}

TEST_CASE("the same numbers from many threads stand in the queue once each") {
  constexpr TaskId count = 500;
  ReadyQueue queue;
  std::vector<std::future<void>> others;
  for (int i = 0; i < 4; ++i)
    others.push_back(meanwhile([&] {
      for (TaskId task = 0; task < count; ++task) queue.push(task);
    }));
  for (std::future<void>& one : others) one.get();
  std::vector<TaskId> all = all_of(queue);
  std::ranges::sort(all);
  CHECK(all.size() == count);
  CHECK(std::ranges::adjacent_find(all) == all.end());
}

TEST_CASE("a waker puts its task into the queue, and then unparks the thread") {
  auto queue = std::make_shared<ReadyQueue>();
  auto parker = std::make_shared<Parker>();
  Waker waker(7, queue, parker);
  std::vector<TaskId> found;
  int unparked = 0;
  {
    Hook hook(Parker::after_unpark, [&] {
      ++unparked;
      found = all_of(*queue);
    });
    waker.wake();
  }
  CHECK(unparked == 1);
  CHECK(found == std::vector<TaskId>{7});
  CHECK(in_time([&] { parker->park(); }, [&] { parker->unpark(); }));
  // And the same from another thread, while this one sleeps.
  Parks parks;
  auto other = when_asleep(parks, [&] { waker.wake(); });
  CHECK(in_time([&] { parker->park(); }, [&] { parker->unpark(); }));
  other.get();
  CHECK(all_of(*queue) == std::vector<TaskId>{7});
}

TEST_CASE("a waker keeps the queue and the parker, or leaves them alone when they are gone") {
  // They are "gone" when nobody has a share of them any more. They stay where they are, though: so
  // it is seen, and harms nobody, when they are used after that.
  ReadyQueue queue;
  Parker parker;
  bool queue_gone = false, parker_gone = false, used_too_late = false;
  auto ends = [](bool& gone) { return [&gone](auto*) { gone = true; }; };
  std::optional<Waker> copy;
  {
    Waker waker(7, std::shared_ptr<ReadyQueue>(&queue, ends(queue_gone)),
                std::shared_ptr<Parker>(&parker, ends(parker_gone)));
    copy = waker;
  }
  {
    Hook hook(Parker::after_unpark, [&] { used_too_late = parker_gone; });
    copy->wake();
  }
  if (queue_gone && queue.pop().has_value()) used_too_late = true;
  CHECK_FALSE(used_too_late);
}

TEST_CASE("copies of a waker wake the same task, wakers of other tasks another one") {
  auto queue = std::make_shared<ReadyQueue>();
  auto parker = std::make_shared<Parker>();
  std::optional<Waker> one(std::in_place, 1, queue, parker);
  Waker two(2, queue, parker), copy = *one;
  two.wake();
  one->wake();
  copy.wake();
  CHECK(all_of(*queue) == std::vector<TaskId>{2, 1});
  one.reset();
  copy.wake();
  copy.wake();
  CHECK(all_of(*queue) == std::vector<TaskId>{1});
  copy = two;
  copy.wake();
  CHECK(all_of(*queue) == std::vector<TaskId>{2});
}
