// The suite of ch10/a-cpp-coroutines. What executor, reactor and HttpGet promise by themselves is
// checked by the suites of chapters 8 and 9.

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <utility>

#include "future.hpp"
#include "pinned.hpp"
#include "program_cases.hpp"
#include "task.hpp"
#include "task_cases.hpp"
#include "waker.hpp"

namespace {

// Counts the polls on the way from one task to the next.
class Counted final : public Future<int> {
 public:
  Counted(int& polls, Pinned<int> inner) : polls_(polls), inner_(std::move(inner)) {}
  PollState<int> poll(const Waker& waker) override {
    ++polls_;
    return inner_->poll(waker);
  }

 private:
  int& polls_;
  Pinned<int> inner_;
};

}  // namespace

TEST_CASE("each wake walks down the whole row: the deeper it is, the more calls and stack") {
  int polls = 0;
  std::function<Task<int>(int, Switch&)> counted_row = [&](int tasks, Switch& its) -> Task<int> {
    if (tasks == 0) co_return co_await pin<Leaf>(its);
    co_return co_await pin<Counted>(polls, counted_row(tasks - 1, its)) + 1;
  };
  for (int tasks : {1, 10}) {
    CAPTURE(tasks);
    NothingLeft nothing_left;
    Switch leaf;
    Task<int> task = counted_row(tasks, leaf);
    CHECK(poll(task) == std::nullopt);
    for (int wakes = 0; wakes < 3; ++wakes) {
      polls = 0;
      CHECK(poll(task) == std::nullopt);
      CHECK(polls == tasks);
    }
  }
  // The same without anybody in between: what stands on the stack when the leaf is asked.
  CHECK(stack_at_leaf(100) > stack_at_leaf(1) + 100 * sizeof(void*));
}
