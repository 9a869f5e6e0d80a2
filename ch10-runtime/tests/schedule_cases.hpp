#pragma once
// The cases of schedules.hpp, for a stage that has groups and stop tokens.

#include <doctest/doctest.h>

#include "cancel.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "group.hpp"
#include "schedules.hpp"
#include "task.hpp"
#include "tasks.hpp"

namespace schedules {

// A leaf that only a stop ends.
class Forever {
 public:
  Forever() = default;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    waiting_ = handle;
    stop_.begin(handle, Wake{this});
  }
  void await_resume() {
    stop_.end();
    stop_.throw_if_stopped();
  }

 private:
  struct Wake {
    Forever* leaf;
    void operator()() const {
      Executor::current().ready().push(std::exchange(leaf->waiting_, nullptr));
    }
  };
  std::coroutine_handle<> waiting_;
  StopWatch<Wake> stop_;
};

struct World {
  int tasks_left = 300;                 // how many may still be begun
  int begun = 0, ended = 0;             // of all
  int spawned = 0;                      // of these, who live now: nobody has to wait for them
  int left_behind = 0;                  // who was alive after what had begun them was over
  std::vector<std::stop_source> stops;  // of whoever can be stopped by others
};

// What is done within a part of the program, and has to be over when that is.
class Inside {
 public:
  Inside(World& world, int& alive) : world_(world), alive_(alive) {
    ++world_.begun;
    ++alive_;
  }
  Inside(const Inside&) = delete;
  ~Inside() {
    ++world_.ended;
    --alive_;
  }

 private:
  World& world_;
  int& alive_;
};

Task<> play(World& world, int depth, int& alive);

// Ends only if it is stopped from outside, which has to reach the leaf in each of these ways.
inline Task<> wait_for_ever(World& world, int& alive) {
  Inside inside(world, alive);
  switch (roll(6)) {
    case 0:
      co_await wait_for_ever(world, alive);
      break;
    case 1: {
      auto body = [&](TaskGroup& group) -> Task<> {
        group.spawn(wait_for_ever(world, alive));
        co_await Turn();
      };
      co_await with_group(body);
      break;
    }
    case 2: {
      std::vector<Task<>> tasks;
      for (int i = 0; i < 2; ++i) tasks.push_back(wait_for_ever(world, alive));
      co_await when_all(std::move(tasks));
      break;
    }
    default:
      co_await Forever();
  }
}

inline std::vector<Task<>> some(World& world, int depth, int& alive) {
  std::vector<Task<>> tasks;
  for (std::size_t count = 1 + roll(3); count > 0; --count)
    tasks.push_back(play(world, depth, alive));
  return tasks;
}

inline Task<> play_group(World& world, int depth, int& alive) {
  auto body = [&](TaskGroup& group) -> Task<> {
    Inside inside(world, alive);
    for (Task<>& task : some(world, depth, alive)) group.spawn(std::move(task));
    if (roll(2) == 0) group.spawn(wait_for_ever(world, alive));
    for (std::size_t pauses = roll(4); pauses > 0; --pauses) co_await Turn();
    if (roll(4) == 0) throw std::runtime_error("the body of a group");
    group.request_stop();
    if (roll(4) == 0) co_await Forever();
  };
  co_await with_group(body);
}

inline Task<> play_one_step(World& world, int depth, int& alive) {
  switch (roll(9)) {
    case 0:
      co_await play(world, depth, alive);
      break;
    case 1: {
      JoinHandle<void> handle = spawn(play(world, depth, world.spawned));
      if (roll(2) == 0) co_await Turn();
      co_await std::move(handle);
      break;
    }
    case 2:
      co_await when_all(some(world, depth, alive));
      break;
    case 3: {
      std::vector<Task<>> tasks = some(world, depth, alive);
      tasks.insert(tasks.begin() + static_cast<std::ptrdiff_t>(roll(tasks.size() + 1)),
                   wait_for_ever(world, alive));
      co_await when_any(std::move(tasks));
      break;
    }
    case 4:
      co_await play_group(world, depth, alive);
      break;
    case 5: {
      std::stop_source stop;
      world.stops.push_back(stop);
      co_await with_token(stop.get_token(), play(world, depth, alive));
      break;
    }
    case 6:
      if (!world.stops.empty()) world.stops[roll(world.stops.size())].request_stop();
      break;
    case 7:
      if (roll(3) == 0) throw std::runtime_error("a task");
      break;
    default:
      co_await Turn();
  }
}

// Nothing of what a step has begun is left after it, however it ends; but for spawned tasks.
inline Task<> play(World& world, int depth, int& alive) {
  Inside inside(world, alive);
  --world.tasks_left;
  for (std::size_t steps = roll(4); steps > 0; --steps) {
    if (depth == 0 || world.tasks_left <= 0) {
      co_await Turn();
      continue;
    }
    bool rethrow = roll(3) == 0;
    std::exception_ptr error;
    int begun_here = 0;
    try {
      co_await play_one_step(world, depth - 1, begun_here);
    } catch (...) {
      error = std::current_exception();
    }
    world.left_behind += begun_here;
    if (error && rethrow) std::rethrow_exception(error);
  }
}

inline void run_program(unsigned seed) {
  std::mt19937 generator(seed);
  dice = &generator;
  struct Restore {
    ~Restore() { dice = nullptr; }
  } restore;
  INFO("COURSE_SEED=", seed);
  World world;
  int alive = 0;
  std::string error;
  {
    Executor executor;
    executor.spawn(play(world, 4, alive));
    executor.spawn(play(world, 4, alive));
    try {
      executor.run();
    } catch (const Cancelled&) {
    } catch (const std::runtime_error&) {  // of a task that nobody has joined, as they are meant
    } catch (const std::exception& unexpected) {
      error = unexpected.what();
    }
    CHECK(error == "");
    CHECK(world.begun == world.ended);  // by itself, and not with the executor
    CHECK(world.left_behind == 0);
  }
  CHECK(alive == 0);
}

}  // namespace schedules

TEST_CASE(
    "programs made by chance, in every order: all tasks end, and none goes on after its group") {
  if (const char* seed = std::getenv("COURSE_SEED")) {
    schedules::run_program(static_cast<unsigned>(std::stoul(seed)));
    return;
  }
  for (unsigned seed = 1; seed <= 500; ++seed) schedules::run_program(seed);
}
