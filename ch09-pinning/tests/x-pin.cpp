// The suite of ch09/x-pin.

#include <doctest/doctest.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "elision.hpp"
#include "frame.hpp"
#include "growing.hpp"
#include "heap.hpp"
#include "machine.hpp"
#include "moving.hpp"
#include "pin.hpp"
#include "places.hpp"
#include "projection.hpp"
#include "stack.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

namespace {

static_assert(std::copyable<Machine>);
static_assert(std::is_nothrow_move_constructible_v<MendedMachine>);
static_assert(std::movable<MendedMachine> && !std::copyable<MendedMachine>);
static_assert(!std::is_move_constructible_v<FixedMachine> && !std::is_swappable_v<FixedMachine>);
static_assert(!std::is_copy_constructible_v<FixedMachine>);
static_assert(!std::is_assignable_v<FixedMachine&, FixedMachine>);

// Who has an immovable member is immovable, and so is a fixed number of them; who has a pointer or
// nodes is not.
struct HasFixed {
  FixedMachine part;
};
static_assert(!std::is_move_constructible_v<HasFixed>);
static_assert(!std::is_move_constructible_v<std::array<FixedMachine, 2>>);
static_assert(!std::is_move_constructible_v<std::optional<FixedMachine>>);
static_assert(!std::is_move_constructible_v<std::variant<int, FixedMachine>>);
static_assert(std::movable<std::unique_ptr<FixedMachine>>);
static_assert(std::movable<std::list<FixedMachine>>);

template <class P, class T>
concept Mutable = requires(P pin) {
  { pin.get_mut() } -> std::same_as<T&>;
};
static_assert(unpin<int> && unpin<std::string> && !unpin<Machine> && !unpin<FixedMachine>);
static_assert(std::constructible_from<Pin<std::string*>, std::string*>);
static_assert(!std::constructible_from<Pin<Machine*>, Machine*>);
static_assert(!std::constructible_from<Pin<FixedMachine*>, FixedMachine*>);
static_assert(Mutable<Pin<std::string*>, std::string>);
static_assert(!Mutable<Pin<Machine*>, Machine>);
static_assert(std::same_as<decltype(*std::declval<Pin<Machine*>>()), const Machine&>);
static_assert(std::movable<Pin<std::unique_ptr<FixedMachine>>>);
static_assert(!std::copyable<Pin<std::unique_ptr<FixedMachine>>>);

template <class P>
concept GivesPin = requires(P&& place) { std::forward<P>(place).get(); };
static_assert(GivesPin<PinnedHere<Machine>&> && !GivesPin<PinnedHere<Machine>>);
static_assert(!std::is_move_constructible_v<PinnedHere<Machine>>);

static_assert(std::is_nothrow_move_constructible_v<Steps>);
static_assert(!std::is_copy_constructible_v<Steps>);

// What the program printed between this heading and the next one.
std::string part(const std::string& heading) {
  process::Result result = testing::run(STAGE_PROGRAM);
  REQUIRE(result.exit.describe() == "exit status 0");
  std::size_t begin = result.out.find(heading);
  REQUIRE(begin != std::string::npos);
  begin = result.out.find('\n', begin) + 1;
  std::size_t end = begin;
  while (end < result.out.size() && result.out[end] == ' ') end = result.out.find('\n', end) + 1;
  return result.out.substr(begin, end - begin);
}

// The addresses in it, in their order.
std::vector<std::string> addresses(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = text.find("0x"); at != std::string::npos; at = text.find("0x", at + 1))
    all.push_back(text.substr(at, text.find_first_not_of("0123456789abcdefx", at) - at));
  return all;
}

}  // namespace

TEST_CASE("a short string points into itself, and its move mends that") {
  MovedString moved = move_a_string("short", "Hello, reader!");
  CHECK(moved.inside_before);
  CHECK(moved.inside_after);
  CHECK_FALSE(moved.characters_stayed);
}

TEST_CASE("a long string hands its characters over, and they stay where they are") {
  MovedString moved = move_a_string("long", std::string(100, 'x'));
  CHECK_FALSE(moved.inside_before);
  CHECK_FALSE(moved.inside_after);
  CHECK(moved.characters_stayed);
}

TEST_CASE("after the default move, the new machine writes into the old one") {
  Texts texts = move_and_write<Machine>();
  CHECK(texts.first == "new words");
  CHECK(texts.second == "old words");
}

TEST_CASE("after a move that mends the pointer, the new machine writes into itself") {
  Texts texts = move_and_write<MendedMachine>();
  CHECK(texts.first != "new words");
  CHECK(texts.second == "new words");
}

TEST_CASE("a mended pointer survives assignment, and a vector that grows") {
  MendedMachine one("one"), two("two");
  one = std::move(two);
  CHECK(one.text == "two");
  CHECK(points_into_itself(one));
  std::vector<MendedMachine> machines;
  for (int i = 0; i < 100; ++i) machines.emplace_back(std::to_string(i));
  for (int i = 0; i < 100; ++i) {
    const MendedMachine& machine = machines[static_cast<std::size_t>(i)];
    REQUIRE(points_into_itself(machine));
    CHECK(machine.text == std::to_string(i));
  }
}

TEST_CASE("swapped machines write into each other, and mended ones into themselves") {
  Texts texts = swap_and_write<Machine>();
  CHECK(texts.first == "two");
  CHECK(texts.second == "new words");
  texts = swap_and_write<MendedMachine>();
  CHECK(texts.first == "new words");
  CHECK(texts.second == "one");
}

TEST_CASE("a vector that grows moves what promises not to throw, and copies what does not") {
  Counts counts = grow<Element<Move::cannot_throw, Copy::yes>>("noexcept");
  CHECK(counts.copies == 0);
  CHECK(counts.moves == 3);
  counts = grow<Element<Move::may_throw, Copy::yes>>("may throw");
  CHECK(counts.copies == 3);
  CHECK(counts.moves == 0);
}

TEST_CASE("a vector that grows moves what may throw, if there is no copy") {
  Counts counts = grow<Element<Move::may_throw, Copy::no>>("only moves");
  CHECK(counts.copies == 0);
  CHECK(counts.moves == 3);
}

TEST_CASE("on the heap the owner moves and the object stays, unless it is moved from") {
  Owned owned = own_on_the_heap();
  CHECK(owned.stayed);
  CHECK_FALSE(owned.stolen_is_whole);
}

TEST_CASE("an immovable object stays in each of nine places") {
  std::vector<std::string> names;
  for (const Place& place : places()) {
    INFO(place.name);
    CHECK(place.stays);
    names.push_back(place.name);
  }
  CHECK(names == std::vector<std::string>{"member", "array", "vector(3)", "unique_ptr", "deque",
                                          "list", "map", "optional", "variant"});
}

TEST_CASE("an immovable object is returned through two functions without a move") {
  Elided elided = make_without_moving();
  CHECK(elided.local);
  CHECK(elided.in_optional);
  CHECK(elided.in_list);
  FixedMachine machine = make_politely("wait");
  CHECK(machine.text == "please, wait");
  CHECK(points_into_itself(machine));
}

TEST_CASE("a recipe is followed once, when the place is filled") {
  int made = 0;
  InPlace recipe{[&made] {
    ++made;
    return make("words");
  }};
  CHECK(made == 0);
  std::variant<int, FixedMachine> either;
  CHECK(points_into_itself(either.emplace<FixedMachine>(recipe)));
  CHECK(made == 1);
  std::unique_ptr<FixedMachine> owner = std::make_unique<FixedMachine>(recipe);
  CHECK(points_into_itself(*owner));
  CHECK(made == 2);
}

TEST_CASE("a Pin of what may move is a pointer like others") {
  std::string text = "words";
  Pin<std::string*> pinned(&text);
  pinned.get_mut() = "other words";
  CHECK(text == "other words");
  CHECK(&*pinned == &text);
  CHECK(pinned->size() == 11);
}

TEST_CASE("a pin that owns its object moves, and the object stays") {
  auto pinned = pin_on_heap<Machine>("words");
  const Machine* place = &*pinned;
  auto moved = std::move(pinned);
  CHECK(&*moved == place);
  CHECK(points_into_itself(*moved));
  write(Pin<Machine*>::unchecked(&moved.get_unchecked()), "new words");
  CHECK(moved->text == "new words");
}

TEST_CASE("a pinned variable can be moved behind the pin's back, and then the pin is of no use") {
  Texts texts = move_behind_the_pins_back();
  CHECK(texts.first == "new words");
  CHECK(texts.second == "more words");
}

TEST_CASE("a pin that only lets read lets copy, and the copy writes into what is pinned") {
  Texts texts = copy_through_the_pin();
  CHECK(texts.first == "new words");
  CHECK(texts.second == "old words");
}

TEST_CASE("a pin can outlive its object") { CHECK(outlive() == 0); }

TEST_CASE("a variable without a name is reached by its pin only, and stays") {
  CHECK(pin_here() == "new words");
  PinnedHere<FixedMachine> machine("words");
  CHECK(points_into_itself(*machine.get()));
}

TEST_CASE("the result is taken out of a pinned whole, and its machine stays") {
  Taken taken = take_from_the_whole();
  CHECK(taken.result == "the answer");
  CHECK(taken.machine_stayed);

  Whole whole("once");
  Pin<Whole*> pinned = Pin<Whole*>::unchecked(&whole);
  CHECK(&*machine_of(pinned) == &whole.machine);
  CHECK(take_result(pinned) == "once");
  CHECK(whole.result.empty());
}

TEST_CASE("a coroutine's variable stays where it is while its owner moves") {
  Resumed resumed = move_the_handle();
  CHECK(resumed.owner_moved);
  CHECK(resumed.frame_stayed);
  REQUIRE(resumed.seen.text_at.size() == 2);
  CHECK(resumed.seen.text_at[0] == resumed.seen.text_at[1]);
  CHECK(resumed.seen.text == "new words");
}

TEST_CASE("a coroutine that is dropped where it waits has not gone on") {
  Seen seen;
  {
    Steps first = write_later(seen);
    CHECK(seen.text_at.empty());
    first.resume();
    Steps second = std::move(first);
    CHECK(second.frame() != nullptr);
    CHECK(first.frame() == nullptr);  // NOLINT: moved from
  }
  CHECK(seen.text_at.size() == 1);
  CHECK(seen.text.empty());
}

TEST_CASE("the program shows ten experiments, one after the other") {
  std::vector<std::string> expected = {
      "make short",      "move short",    "make long",      "move long",                        // 1
      "make first",      "move second",   "write second",                                       // 2
      "make first",      "move second",   "write second",                                       //
      "swap both",       "write first",   "swap both",      "write first",                      // 3
      "grow noexcept",   "grow may",      "grow only",                                          // 4
      "make machine",    "grow machine",  "steal machine",                                      // 5
      "stay member",     "stay array",    "stay vector(3)", "stay unique_ptr",                  // 6
      "stay deque",      "stay list",     "stay map",       "stay optional",   "stay variant",  //
      "make local",      "make optional", "make list",                                          // 7
      "write elsewhere", "write copy",    "outlive pin",    "write machine",                    // 8
      "take result",     "stay machine",                                                        // 9
      "stop first",      "resume second"};  // 10
  CHECK(testing::events(STAGE_PROGRAM) == expected);

  std::istringstream lines(testing::run(STAGE_PROGRAM).out);
  std::vector<std::string> numbers, all_numbers;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with(' ')) numbers.push_back(line.substr(0, line.find(' ')));
  for (int i = 1; i <= 10; ++i) all_numbers.push_back(std::to_string(i) + ".");
  CHECK(numbers == all_numbers);
}

TEST_CASE("the program shows where the pointers point") {
  // The address of the text, and where line points to; each for the old one and the new one.
  std::vector<std::string> moved = addresses(part("2. a machine moves"));
  REQUIRE(moved.size() == 8);
  CHECK(moved[0] == moved[1]);
  CHECK(moved[2] != moved[0]);
  CHECK(moved[3] == moved[0]);
  CHECK(moved[6] == moved[7]);

  // Where the machine is, and where its owner.
  std::vector<std::string> heap = addresses(part("5. a machine on the heap"));
  REQUIRE(heap.size() == 6);
  CHECK(heap[2] == heap[0]);
  CHECK(heap[3] != heap[1]);
  CHECK(heap[4] != heap[0]);
  CHECK(heap[5] == heap[0]);

  // Where the coroutine's owner is, and where its text.
  std::vector<std::string> coroutine = addresses(part("10. a C++20 coroutine"));
  REQUIRE(coroutine.size() == 4);
  CHECK(coroutine[2] != coroutine[0]);
  CHECK(coroutine[3] == coroutine[1]);
}

TEST_CASE("the program says in one line when its output is lost, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
