// The suite of ch07/c-join-all.

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "future.hpp"
#include "futures.hpp"
#include "join_all.hpp"
#include "testing/delayserver.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

namespace {

// Futures of numbers: the first one's result is 0, the second one's 1, and so on.
struct Numbers {
  explicit Numbers(const std::vector<When>& whens) : seen(whens.size()) {
    for (const When& when : whens) {
      std::size_t i = futures.size();
      futures.push_back(box(TestFuture<int>(when, static_cast<int>(i), &seen[i])));
    }
  }
  [[nodiscard]] std::vector<int> polls() const {
    std::vector<int> all;
    for (const Seen& one : seen) all.push_back(one.polls);
    return all;
  }
  [[nodiscard]] std::vector<bool> alive() const {
    std::vector<bool> all;
    for (const Seen& one : seen) all.push_back(one.alive);
    return all;
  }

  std::vector<Seen> seen;
  std::vector<Box<int>> futures;
};

std::vector<int> numbers_below(int end) {
  std::vector<int> all;
  for (int i = 0; i < end; ++i) all.push_back(i);
  return all;
}

// Polls it to its end.
template <IsFuture F>
typename F::Output result_of(F future) {
  for (int polls = 0; polls < 1000; ++polls)
    if (PollState<typename F::Output> result = future.poll()) return std::move(*result);
  throw std::runtime_error("it is not ready after a thousand polls");
}

// Futures with these values, of which the last one is ready first.
template <class T, class... Values>
std::vector<Box<T>> backwards(Values... values) {
  std::vector<Box<T>> futures;
  int when = sizeof...(values);
  (futures.push_back(box(TestFuture<T>(when--, std::move(values)))), ...);
  return futures;
}

}  // namespace

TEST_CASE("the results stand in the order of the futures, whoever is ready first") {
  for (const std::vector<When>& whens : std::vector<std::vector<When>>{
           {1, 1, 1}, {1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {3, 1, 2}, {2, 2, 1}}) {
    Numbers numbers(whens);
    CHECK(result_of(join_all(std::move(numbers.futures))) == numbers_below(3));
  }
}

TEST_CASE("before the first poll nobody is asked") {
  Numbers numbers({1, 1});
  auto all = join_all(std::move(numbers.futures));
  CHECK(numbers.polls() == std::vector<int>{0, 0});
  auto moved = box(std::move(all));
  CHECK(numbers.polls() == std::vector<int>{0, 0});
  (void)moved->poll();
  CHECK(numbers.polls() == std::vector<int>{1, 1});
}

TEST_CASE("the first poll asks all of them, and does not wait for one before it asks the next") {
  Numbers numbers({never, 1, never, 2});
  auto all = join_all(std::move(numbers.futures));
  CHECK_FALSE(all.poll().has_value());
  CHECK(numbers.polls() == std::vector<int>{1, 1, 1, 1});
}

TEST_CASE("each poll asks those that are not ready, each of them once, and nobody else") {
  Numbers numbers({1, 3, 2, never});
  auto all = join_all(std::move(numbers.futures));
  for (const std::vector<int>& polls :
       std::vector<std::vector<int>>{{1, 1, 1, 1}, {1, 2, 2, 2}, {1, 3, 2, 3}, {1, 3, 2, 4}}) {
    CHECK_FALSE(all.poll().has_value());
    CHECK(numbers.polls() == polls);
  }
}

TEST_CASE("it is ready in the poll in which the last of them is, and not before") {
  for (const std::vector<When>& whens :
       std::vector<std::vector<When>>{{3}, {3, 1}, {1, 3}, {2, 3, 1}}) {
    Numbers numbers(whens);
    auto all = join_all(std::move(numbers.futures));
    CHECK_FALSE(all.poll().has_value());
    CHECK_FALSE(all.poll().has_value());
    CHECK(all.poll().has_value());
  }
}

TEST_CASE("of no futures at all it is ready at once, with no results") {
  auto all = join_all(std::vector<Box<int>>());
  CHECK(all.poll() == std::vector<int>());
}

TEST_CASE("a hundred futures are no more trouble than one") {
  std::vector<When> whens;
  for (int i = 0; i < 100; ++i) whens.emplace_back(i * 37 % 100 + 1);
  Numbers numbers(whens);
  CHECK(result_of(join_all(std::move(numbers.futures))) == numbers_below(100));
  for (std::size_t i = 0; i < whens.size(); ++i)
    CHECK(numbers.seen[i].polls == whens[i].poll_number);
}

TEST_CASE("a result may be anything that moves: a pointer, a truth value, nothing but Unit") {
  CHECK(result_of(join_all(backwards<std::string>("a", "b"))) ==
        std::vector<std::string>{"a", "b"});
  CHECK(result_of(join_all(backwards<bool>(true, false, true))) ==
        std::vector<bool>{true, false, true});  // which is no vector of bools
  CHECK(result_of(join_all(backwards<Unit>(Unit(), Unit()))).size() == 2);

  std::vector<std::unique_ptr<int>> pointers = result_of(join_all(
      backwards<std::unique_ptr<int>>(std::make_unique<int>(1), std::make_unique<int>(2))));
  REQUIRE(pointers.size() == 2);
  REQUIRE((pointers[0] && pointers[1]));
  CHECK(*pointers[0] == 1);
  CHECK(*pointers[1] == 2);
}

TEST_CASE("no result is made but by the futures: a T needs no default constructor") {
  struct Result {
    Result() { throw std::runtime_error("a result was made from nothing"); }
    explicit Result(int number) : value(number) {}
    int value;
  };
  std::vector<Result> results = result_of(join_all(backwards<Result>(Result(1), Result(2))));
  REQUIRE(results.size() == 2);
  CHECK(results[0].value == 1);
  CHECK(results[1].value == 2);
}

TEST_CASE("a future is destroyed in the poll in which it is ready, and not before") {
  Numbers numbers({2, never, 1});
  auto all = join_all(std::move(numbers.futures));
  CHECK(numbers.alive() == std::vector<bool>{true, true, true});
  CHECK_FALSE(all.poll().has_value());
  CHECK(numbers.alive() == std::vector<bool>{true, true, false});
  CHECK_FALSE(all.poll().has_value());
  CHECK(numbers.alive() == std::vector<bool>{false, true, false});
}

TEST_CASE("whoever polls it after its result is told so") {
  for (const std::vector<When>& whens : std::vector<std::vector<When>>{{}, {1}, {2, 1}}) {
    Numbers numbers(whens);
    auto all = join_all(std::move(numbers.futures));
    for (int polls = 0; polls < 10 && !all.poll(); ++polls) {
    }
    CHECK_THROWS_AS((void)all.poll(), std::logic_error);
    CHECK_THROWS_AS((void)all.poll(), std::logic_error);
  }
}

TEST_CASE("an exception of one of them leaves poll(), and nobody is asked after that") {
  Numbers numbers({1, never, throws_at(2), 2});
  auto all = join_all(std::move(numbers.futures));
  CHECK_FALSE(all.poll().has_value());
  CHECK_THROWS_WITH_AS((void)all.poll(), "broken", std::runtime_error);
  const std::vector<int> polls = numbers.polls();
  CHECK_THROWS_AS((void)all.poll(), std::logic_error);
  CHECK(numbers.polls() == polls);

  Numbers all_throw(
      {throws_at(1), throws_at(1), throws_at(1)});  // at once, and the first is enough
  auto broken = join_all(std::move(all_throw.futures));
  CHECK_THROWS_WITH_AS((void)broken.poll(), "broken", std::runtime_error);
  std::vector<int> asked = all_throw.polls();
  CHECK(std::accumulate(asked.begin(), asked.end(), 0) == 1);
  CHECK_THROWS_AS((void)broken.poll(), std::logic_error);
}

TEST_CASE("with it go all that it has not finished, asked or not, after an exception, too") {
  for (int polls = 0; polls < 3; ++polls) {
    Numbers numbers({1, throws_at(2), never});
    {
      auto all = join_all(std::move(numbers.futures));
      try {
        for (int i = 0; i < polls; ++i) (void)all.poll();
      } catch (const std::runtime_error&) {
      }
    }
    CHECK(numbers.alive() == std::vector<bool>{false, false, false});
  }
}

TEST_CASE("it is a future like others, and may be one of those that another one joins") {
  Numbers early({1, 2}), late({3, 1, 3});
  std::vector<Box<std::vector<int>>> both;
  both.push_back(box(join_all(std::move(late.futures))));
  both.push_back(box(join_all(std::move(early.futures))));
  both.push_back(box(join_all(std::vector<Box<int>>())));
  CHECK(result_of(join_all(std::move(both))) ==
        std::vector<std::vector<int>>{numbers_below(3), numbers_below(2), {}});
  CHECK(early.polls() == std::vector<int>{1, 2});
  CHECK(late.polls() == std::vector<int>{3, 1, 3});
}

TEST_CASE("box() takes a future of any class, which lives for as long as the box does") {
  struct Now final : Future<int> {
    PollState<int> poll() override { return 7; }
  };
  Seen seen;
  {
    TestFuture<int> future(2, 5, &seen);
    std::vector<Box<int>> boxes;
    boxes.push_back(box(std::move(future)));
    boxes.push_back(box(Now()));
    CHECK(seen.polls == 0);
    CHECK_FALSE(boxes[0]->poll().has_value());
    CHECK(boxes[0]->poll() == 5);
    CHECK(boxes[1]->poll() == 7);
    boxes.erase(boxes.begin());
    CHECK_FALSE(seen.alive);
  }
}

TEST_CASE("the program has all five requests in flight at once, and asks until all are answered") {
  testing::check_all_in_flight(STAGE_PROGRAM);
  testing::Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 5);
  CHECK(polls_of(result.out) > 1);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "")
