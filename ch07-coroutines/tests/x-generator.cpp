// The suite of ch07/x-generator.

#include <doctest/doctest.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"

using Log = std::vector<std::string>;

namespace {

static_assert(std::ranges::input_range<Generator<int>>);
static_assert(!std::ranges::forward_range<Generator<int>>);
static_assert(std::ranges::view<Generator<int>>);
static_assert(std::ranges::viewable_range<Generator<int>>);
static_assert(std::same_as<std::ranges::range_reference_t<Generator<int>>, const int&>);
static_assert(
    std::ranges::input_range<decltype(std::declval<Generator<int>>() | std::views::take(5))>);
static_assert(std::movable<Generator<int>> && !std::copyable<Generator<int>>);

// Writes down when it ends.
class Ends {
 public:
  Ends(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}
  Ends(Ends&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
  Ends& operator=(Ends&&) = delete;
  ~Ends() {
    if (log_ != nullptr) log_->push_back(name_ + " ends");
  }

 private:
  Log* log_;
  std::string name_;
};

// How far the thread's stack reaches while the cases' coroutines run, or are destroyed.
class Reach {
 public:
  [[gnu::noinline]] void look() {
    auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    lowest_ = std::min(lowest_, here);
    highest_ = std::max(highest_, here);
  }
  [[nodiscard]] std::size_t bytes() const { return highest_ < lowest_ ? 0 : highest_ - lowest_; }

 private:
  std::uintptr_t lowest_ = UINTPTR_MAX, highest_ = 0;
};

// Looks at the stack when it begins and when it ends, and counts itself.
class Looks {
 public:
  Looks(Reach& reach, int& alive) : reach_(reach), alive_(alive) {
    ++alive_;
    reach_.look();
  }
  Looks(const Looks&) = delete;
  Looks& operator=(const Looks&) = delete;
  ~Looks() {
    reach_.look();
    --alive_;
  }

 private:
  Reach& reach_;
  int& alive_;
};

Generator<int> count(int first, int last, Log& log) {
  log.push_back("begins");
  for (int i = first; i <= last; ++i) {
    log.push_back("makes " + std::to_string(i));
    co_yield i;
  }
  log.push_back("ends");
}

Generator<int> from(int first) {
  while (true) co_yield first++;
}

Generator<int> throws_after(int count) {
  for (int i = 1; i <= count; ++i) co_yield i;
  throw std::runtime_error("after " + std::to_string(count));
}

// A complete binary tree, in order: 1 … 2^levels - 1.
Generator<int> in_order(int first, int last) {
  if (first > last) co_return;
  int middle = first + (last - first) / 2;
  co_yield elements_of(in_order(first, middle - 1));
  co_yield middle;
  co_yield elements_of(in_order(middle + 1, last));
}

Generator<int> nest(int levels, Reach& reach, int& alive) {
  Looks looks(reach, alive);
  co_yield levels;
  if (levels > 1) co_yield elements_of(nest(levels - 1, reach, alive));
  reach.look();
  co_yield -levels;
}

template <std::ranges::input_range Range>
std::vector<int> list(Range&& range) {
  std::vector<int> elements;
  for (int element : range) elements.push_back(element);
  return elements;
}

}  // namespace

TEST_CASE("nothing runs before begin(), and no further than to the next element") {
  Log log;
  {
    Generator<int> numbers = count(1, 2, log);
    CHECK(log.empty());
    auto at = numbers.begin();
    CHECK(log == Log{"begins", "makes 1"});
    CHECK(*at == 1);
    CHECK(*at == 1);
    CHECK(log.size() == 2);
    ++at;
    CHECK(log == Log{"begins", "makes 1", "makes 2"});
    CHECK(at != numbers.end());
    ++at;
    CHECK(log == Log{"begins", "makes 1", "makes 2", "ends"});
    CHECK(at == numbers.end());
  }
  CHECK(log.size() == 4);
}

TEST_CASE("a range-for and the generator take turns") {
  Log log;
  for (int number : count(1, 2, log)) log.push_back("uses " + std::to_string(number));
  CHECK(log == Log{"begins", "makes 1", "uses 1", "makes 2", "uses 2", "ends"});
}

TEST_CASE("one that yields nothing is empty, and so is one that was moved from") {
  CHECK(list(in_order(1, 0)).empty());
  Generator<int> numbers = from(1);
  Generator<int> moved = std::move(numbers);
  CHECK(list(numbers).empty());
  CHECK(*moved.begin() == 1);
}

TEST_CASE("an endless one works with the library's views") {
  CHECK(list(from(1) | std::views::take(5)) == std::vector<int>{1, 2, 3, 4, 5});
  auto even = [](int number) { return number % 2 == 0; };
  auto square = [](int number) { return number * number; };
  CHECK(list(from(1) | std::views::filter(even) | std::views::transform(square) |
             std::views::take(3)) == std::vector<int>{4, 16, 36});
  Generator<int> numbers = from(1);
  CHECK(std::ranges::find(numbers, 7) != numbers.end());
  CHECK(*numbers.begin() == 7);
}

TEST_CASE("who leaves a loop and comes back finds the element that was not passed") {
  Generator<int> numbers = from(1);
  for (int number : numbers)
    if (number == 3) break;
  auto below_6 = [](int number) { return number < 6; };
  CHECK(list(std::ranges::ref_view(numbers) | std::views::take_while(below_6)) ==
        std::vector<int>{3, 4, 5});
}

TEST_CASE("an element is not copied, and stays where it is until the next one is asked for") {
  const std::string* made = nullptr;
  auto names = [&]() -> Generator<std::string> {
    std::string name = "a name that is too long to be kept inside of the object";
    made = &name;
    co_yield name;
    name = "another";
    co_yield name;
  };
  Generator<std::string> all = names();
  auto at = all.begin();
  CHECK(&*at == made);
  CHECK(at->starts_with("a name"));
  ++at;
  CHECK(&*at == made);
  CHECK(*at == "another");
}

TEST_CASE("an element may be a temporary, or one that only moves") {
  auto names = []() -> Generator<std::string> {
    co_yield "converted, and too long to be kept inside of the object";
    co_yield std::string(100, 'x');
  };
  Generator<std::string> all = names();
  auto at = all.begin();
  const std::string& first = *at;
  CHECK(first == "converted, and too long to be kept inside of the object");
  ++at;
  CHECK(*at == std::string(100, 'x'));

  auto boxes = []() -> Generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    std::unique_ptr<int> two = std::make_unique<int>(2);
    co_yield two;
  };
  int sum = 0;
  for (const std::unique_ptr<int>& box : boxes()) sum += *box;
  CHECK(sum == 3);
}

TEST_CASE("generators inside each other yield in their order") {
  std::vector<int> expected;
  for (int i = 1; i <= 127; ++i) expected.push_back(i);
  CHECK(list(in_order(1, 127)) == expected);

  Log log;
  auto around = [&]() -> Generator<int> {
    co_yield 0;
    co_yield elements_of(in_order(1, 0));  // none
    co_yield elements_of(count(1, 2, log));
    co_yield 3;
    co_yield Elements(count(4, 5, log));
  };
  CHECK(list(around()) == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("one inside runs only as far as its elements are asked for") {
  Log log;
  auto around = [&]() -> Generator<int> {
    co_yield 0;
    co_yield elements_of(count(1, 2, log));
    log.push_back("around goes on");
  };
  Generator<int> numbers = around();
  auto at = numbers.begin();
  CHECK(log.empty());
  ++at;
  CHECK(log == Log{"begins", "makes 1"});
  ++at;
  ++at;
  CHECK(log == Log{"begins", "makes 1", "makes 2", "ends", "around goes on"});
  CHECK(at == numbers.end());
}

TEST_CASE("100,000 inside each other need no more of the thread's stack than a few") {
  constexpr int levels = 100'000;
  Reach reach;
  int alive = 0, elements = 0;
  for (int element : nest(levels, reach, alive)) {
    REQUIRE(element == (elements < levels ? levels - elements : levels - 1 - elements));
    ++elements;
  }
  CHECK(elements == 2 * levels);
  CHECK(alive == 0);
  CHECK(reach.bytes() < 16 * 1024);
}

TEST_CASE("100,000 inside each other are destroyed without a call inside a call") {
  constexpr int levels = 100'000;
  Reach reach;
  int alive = 0;
  {
    Generator<int> numbers = nest(levels, reach, alive);
    auto at = numbers.begin();
    while (*at != 1) ++at;
    CHECK(alive == levels);
  }
  CHECK(alive == 0);
  CHECK(reach.bytes() < 16 * 1024);
}

TEST_CASE("an exception leaves begin() or ++, and is the end") {
  Generator<int> none = throws_after(0);
  CHECK_THROWS_WITH_AS((void)none.begin(), "after 0", std::runtime_error);
  CHECK(none.begin() == none.end());

  Generator<int> one = throws_after(1);
  auto at = one.begin();
  CHECK(*at == 1);
  CHECK_THROWS_WITH_AS(++at, "after 1", std::runtime_error);
  CHECK(at == one.end());
}

TEST_CASE("what one inside throws can be caught around co_yield, and the outer one goes on") {
  Log log;
  auto throws = [&](Ends) -> Generator<int> {
    Ends variable(log, "a variable");
    co_yield 1;
    throw std::runtime_error("no more");
  };
  auto around = [&]() -> Generator<int> {
    try {
      co_yield elements_of(throws(Ends(log, "a parameter")));
    } catch (const std::runtime_error& error) {
      log.push_back(error.what());
    }
    co_yield 2;
    co_yield elements_of(count(3, 3, log));
  };
  CHECK(list(around()) == std::vector<int>{1, 2, 3});
  CHECK(log == Log{"a variable ends", "a parameter ends", "no more", "begins", "makes 3", "ends"});
}

TEST_CASE("what nobody catches leaves all of them, the innermost first") {
  Log log;
  auto inner = [&]() -> Generator<int> {
    Ends ends(log, "inner");
    co_yield elements_of(throws_after(1));
  };
  auto outer = [&]() -> Generator<int> {
    Ends ends(log, "outer");
    co_yield elements_of(inner());
    co_yield 2;
  };
  Generator<int> numbers = outer();
  auto at = numbers.begin();
  CHECK(*at == 1);
  CHECK_THROWS_WITH_AS(++at, "after 1", std::runtime_error);
  CHECK(log == Log{"inner ends", "outer ends"});
  CHECK(at == numbers.end());
}

TEST_CASE("destroyed early, it ends the variables of all of them, the innermost first") {
  Log log;
  auto inner = [&](Ends) -> Generator<int> {
    Ends first(log, "inner 1");
    Ends second(log, "inner 2");
    co_yield 1;
    log.push_back("is not reached");
  };
  auto outer = [&]() -> Generator<int> {
    Ends ends(log, "outer");
    co_yield elements_of(inner(Ends(log, "inner's parameter")));
    log.push_back("is not reached");
  };
  {
    Generator<int> numbers = outer();
    CHECK(*numbers.begin() == 1);
    CHECK(log.empty());
  }
  CHECK(log == Log{"inner 2 ends", "inner 1 ends", "inner's parameter ends", "outer ends"});
}

TEST_CASE("one that never began ends only its parameters") {
  Log log;
  auto keeps = [&](Ends) -> Generator<int> {
    Ends variable(log, "a variable");
    co_yield 1;
  };
  {
    Generator<int> unused = keeps(Ends(log, "a parameter"));
  }
  CHECK(log == Log{"a parameter ends"});
  {
    Elements<int> unused = elements_of(keeps(Ends(log, "another")));
  }
  CHECK(log == Log{"a parameter ends", "another ends"});
}

TEST_CASE("it may move while it is used, and over another one") {
  Log log;
  auto keeps = [&](int number, std::string name) -> Generator<int> {
    Ends ends(log, std::move(name));
    while (true) co_yield number++;
  };
  auto around = [&](int number, std::string name) -> Generator<int> {
    co_yield elements_of(keeps(number, std::move(name)));
  };
  Generator<int> numbers = around(1, "first");
  auto at = numbers.begin();
  Generator<int> moved = std::move(numbers);
  ++at;
  CHECK(*at == 2);
  Generator<int> over = around(10, "second");
  CHECK(*over.begin() == 10);
  over = std::move(moved);
  CHECK(log == Log{"second ends"});
  ++at;
  CHECK(*at == 3);
  CHECK(*over.begin() == 3);
}

TEST_CASE("one that has begun, or was moved from, is no element list for another") {
  Log log;
  auto around = [&](Generator<int> inner) -> Generator<int> {
    try {
      co_yield elements_of(std::move(inner));
    } catch (const std::logic_error&) {
      log.push_back("refused");
    }
    co_yield 0;
  };
  auto keeps = [](Ends) -> Generator<int> { co_yield 1; };
  Generator<int> begun = keeps(Ends(log, "it"));
  CHECK(*begun.begin() == 1);
  CHECK(list(around(std::move(begun))) == std::vector<int>{0});
  CHECK(list(around(std::move(begun))) == std::vector<int>{0});  // NOLINT: moved from
  CHECK(log == Log{"it ends", "refused", "refused"});
}

TEST_CASE("the program shows that generator and consumer take turns") {
  Log expected;
  for (std::string line :
       {"yield house", "use main", "yield kitchen", "use main", "yield cupboard", "use main",
        "end cupboard", "end kitchen", "yield cellar", "use main", "end cellar", "end house"})
    expected.push_back(line);
  for (int i = 0; i < 3; ++i) {
    expected.push_back("yield squares");
    expected.push_back("use main");
  }
  expected.push_back("yield squares");  // take() asks for one more than it passes on
  for (std::string line :
       {"yield flat", "use main", "yield hall", "use main", "end hall", "catch main"})
    expected.push_back(line);
  CHECK(testing::events(STAGE_PROGRAM) == expected);
}

TEST_CASE("the program says in one line when its output is lost, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
