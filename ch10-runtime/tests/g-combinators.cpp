// The suite of ch10/g-combinators.

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)
#define TASKS_ARE_GIVEN
#define REACTOR_IS_GIVEN
#include "combinator_cases.hpp"

namespace {

Task<> turns() {
  for (int i = 0; i < 5; ++i) co_await Turn();
}

// `co_await gate`: waits until the case opens it.
class Gate {
 public:
  class Awaiter {
   public:
    explicit Awaiter(Gate& gate) : gate_(gate) {}
    Awaiter(const Awaiter&) = delete;
    ~Awaiter() { gate_.waiting_ = nullptr; }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { gate_.waiting_ = handle; }
    void await_resume() const noexcept {}

   private:
    Gate& gate_;
  };
  Awaiter operator co_await() { return Awaiter(*this); }
  void open() {
    if (waiting_) Executor::current().ready().push(std::exchange(waiting_, nullptr));
  }

 private:
  std::coroutine_handle<> waiting_ = nullptr;
};

// Three tasks, each of which waits at a gate, and what became of whoever waits for them.
struct Three {
  Gate gates[3];
  std::vector<std::size_t> begun, ended;
  bool done = false;
  std::string error;

  // An empty `fails`: its result is 10, 20 or 30.
  Task<int> number(std::size_t i, std::string fails = "") {
    Counted local;
    begun.push_back(i);
    (void)co_await value_of(0);  // it is a parent itself
    co_await gates[i];
    ended.push_back(i);
    co_return co_await thrown(fails) + 10 * (static_cast<int>(i) + 1);
  }
  Task<> nothing(std::size_t i, std::string fails = "") {
    (void)co_await number(i, std::move(fails));
  }
  std::vector<Task<int>> numbers(std::string fails0 = "", std::string fails1 = "",
                                 std::string fails2 = "") {
    std::vector<Task<int>> tasks;
    tasks.push_back(number(0, std::move(fails0)));
    tasks.push_back(number(1, std::move(fails1)));
    tasks.push_back(number(2, std::move(fails2)));
    return tasks;
  }
  std::vector<Task<>> nothings(std::string fails0 = "", std::string fails1 = "",
                               std::string fails2 = "") {
    std::vector<Task<>> tasks;
    tasks.push_back(nothing(0, std::move(fails0)));
    tasks.push_back(nothing(1, std::move(fails1)));
    tasks.push_back(nothing(2, std::move(fails2)));
    return tasks;
  }
  // The result is put where the case says; nobody waits for this one.
  template <class T>
  Task<> whole(Task<T> task, T& result) {
    try {
      result = co_await std::move(task);
    } catch (const std::runtime_error& thrown) {
      error = thrown.what();
    }
    done = true;
  }
  Task<> whole(Task<> task) {
    try {
      co_await std::move(task);
    } catch (const std::runtime_error& thrown) {
      error = thrown.what();
    }
    done = true;
  }
  Task<> open(std::size_t i) {
    gates[i].open();
    co_await turns();
  }
};
using Numbers = std::vector<std::size_t>;

// Begins it at once. (Its own end resumes nobody, so a case sees one that never comes.)
Task<> begin(Task<>& task) {
  run(task.handle());
  co_await turns();
}

}  // namespace

TEST_CASE(
    "when_all(): each task begins once, at once, and it goes on when the last one has ended") {
  run_body([]() -> Task<> {
    Three three;
    std::vector<int> results;
    Task<> task = three.whole(when_all(three.numbers()), results);
    co_await begin(task);
    std::sort(three.begun.begin(), three.begun.end());
    REQUIRE(three.begun == Numbers{0, 1, 2});
    CHECK(three.ended.empty());
    REQUIRE_FALSE(three.done);
    co_await three.open(2);
    co_await three.open(0);
    REQUIRE_FALSE(three.done);
    co_await three.open(1);
    CHECK(three.ended == Numbers{2, 0, 1});
    REQUIRE(three.done);
    CHECK(results == std::vector<int>{10, 20, 30});
    CHECK(three.begun.size() == 3);
  });
}

TEST_CASE("when_all() of tasks without results waits for the last one, too") {
  run_body([]() -> Task<> {
    Three three;
    Task<> task = three.whole(when_all(three.nothings()));
    co_await begin(task);
    std::sort(three.begun.begin(), three.begun.end());
    REQUIRE(three.begun == Numbers{0, 1, 2});
    co_await three.open(0);
    REQUIRE_FALSE(three.done);
    co_await three.open(2);
    REQUIRE_FALSE(three.done);
    co_await three.open(1);
    CHECK(three.ended == Numbers{0, 2, 1});
    CHECK(three.done);
    CHECK(three.error == "");
  });
}

TEST_CASE("when_all(): of several exceptions the first in the order of the tasks comes out") {
  run_body([]() -> Task<> {
    for (bool results : {false, true}) {
      CAPTURE(results);
      Three three;
      std::vector<int> none;
      Task<> task = results ? three.whole(when_all(three.numbers("", "in order", "in time")), none)
                            : three.whole(when_all(three.nothings("", "in order", "in time")));
      co_await begin(task);
      co_await three.open(2);
      REQUIRE_FALSE(three.done);
      co_await three.open(0);
      REQUIRE_FALSE(three.done);
      co_await three.open(1);
      CHECK(three.ended == Numbers{2, 0, 1});
      REQUIRE(three.done);
      CHECK(three.error == "in order");
    }
  });
}

TEST_CASE("when_any(): all begin, one is the first, and the others go on to their ends") {
  run_body([]() -> Task<> {
    Three three;
    std::pair<std::size_t, int> winner;
    Task<> task = three.whole(when_any(three.numbers()), winner);
    co_await begin(task);
    std::sort(three.begun.begin(), three.begun.end());
    REQUIRE(three.begun == Numbers{0, 1, 2});
    co_await three.open(1);
    REQUIRE_FALSE(three.done);
    co_await three.open(2);
    REQUIRE_FALSE(three.done);
    co_await three.open(0);
    CHECK(three.ended == Numbers{1, 2, 0});
    REQUIRE(three.done);
    CHECK(winner == std::pair<std::size_t, int>(1, 20));
  });
}

TEST_CASE("when_any() of tasks without results: the number of the first one") {
  run_body([]() -> Task<> {
    Three three;
    std::size_t winner = 0;
    Task<> task = three.whole(when_any(three.nothings()), winner);
    co_await begin(task);
    co_await three.open(2);
    REQUIRE_FALSE(three.done);
    co_await three.open(0);
    REQUIRE_FALSE(three.done);
    co_await three.open(1);
    CHECK(three.ended == Numbers{2, 0, 1});
    REQUIRE(three.done);
    CHECK(winner == 2);
    bool refused = false;
    try {
      (void)co_await when_any(std::vector<Task<>>());
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("when_any(): who ends first by an exception wins, and comes out when all have ended") {
  run_body([]() -> Task<> {
    for (bool results : {false, true}) {
      CAPTURE(results);
      Three three;
      std::pair<std::size_t, int> none;
      std::size_t number = 0;
      Task<> task = results ? three.whole(when_any(three.numbers("zero", "", "two")), none)
                            : three.whole(when_any(three.nothings("zero", "", "two")), number);
      co_await begin(task);
      co_await three.open(2);
      REQUIRE_FALSE(three.done);
      co_await three.open(1);
      co_await three.open(0);
      CHECK(three.ended == Numbers{2, 1, 0});
      REQUIRE(three.done);
      CHECK(three.error == "two");
    }
  });
}

TEST_CASE("when_any(): what the others throw is dropped") {
  run_body([]() -> Task<> {
    for (bool results : {false, true}) {
      CAPTURE(results);
      Three three;
      std::pair<std::size_t, int> winner;
      std::size_t number = 0;
      Task<> task = results ? three.whole(when_any(three.numbers("zero", "", "two")), winner)
                            : three.whole(when_any(three.nothings("zero", "", "two")), number);
      co_await begin(task);
      co_await three.open(1);
      co_await three.open(2);
      co_await three.open(0);
      REQUIRE(three.done);
      CHECK(three.error == "");
      CHECK((results ? winner.first : number) == 1);
    }
  });
}

TEST_CASE("the tasks are parts of whoever waits: if it is destroyed, they are gone with it") {
  run_body([]() -> Task<> {
    Three all, any;
    {
      Task<> waits = all.whole(when_all(all.nothings()));
      co_await begin(waits);
    }
    CHECK(Counted::alive == 0);
    {
      std::size_t none = 0;
      Task<> waits = any.whole(when_any(any.nothings()), none);
      co_await begin(waits);
    }
    CHECK(Counted::alive == 0);
    for (std::size_t i = 0; i < 3; ++i) {  // those that are still there end now
      co_await all.open(i);
      co_await any.open(i);
    }
    CHECK(all.ended.empty());
    CHECK(any.ended.empty());
  });
}

TEST_CASE("the tasks are lazy: nothing begins before when_all() or when_any() is awaited") {
  run_body([]() -> Task<> {
    Three three;
    {
      Task<std::vector<int>> all = when_all(three.numbers());
      Task<std::size_t> any = when_any(three.nothings());
      Task<std::size_t> none = when_any(std::vector<Task<>>());
      co_await turns();
    }
    CHECK(three.begun.empty());
  });
}

TEST_CASE("two thousand when_all() in each other: their ends do not grow the stack") {
  Reach reach;
  constexpr int most = 2'000;
  int reached = 0;
  std::function<Task<>(int)> level = [&](int depth) -> Task<> {
    if (depth < most) {
      std::vector<Task<>> one;
      one.push_back(level(depth + 1));
      co_await when_all(std::move(one));
    }
    reach.look();
    ++reached;
  };
  run_body([&]() -> Task<> {
    Task<> task = level(1);
    run(task.handle());
    for (int i = 0; i < 2 * most; ++i) co_await Turn();
  });
  CHECK(reached == most);
  CHECK(reach.bytes() < 64 * 1024);
}

TEST_CASE("the program joins three requests, and then names the first of three others") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 6);
  CHECK(server.stats().peak_in_flight == 3);
  bool all =
      counted.result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(all);
  bool first = counted.result.out.find("the first is number 1: request-3") != std::string::npos;
  CHECK(first);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 6)
