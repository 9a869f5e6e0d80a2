// Stage ch09/x-pin: what is a move in C++, and what may not be moved? New: ten experiments with an
// object that points into itself. None needs a server, and none has undefined behaviour.

#include <string>

#include "elision.hpp"
#include "frame.hpp"
#include "growing.hpp"
#include "heap.hpp"
#include "machine.hpp"
#include "moving.hpp"
#include "narrate/narrate.hpp"
#include "places.hpp"
#include "projection.hpp"
#include "stack.hpp"
#include "stage/stage.hpp"

namespace {

void example() {
  narrate::print("1. a short string moves, and a long one:");
  move_a_string("short", "Hello, reader!");
  move_a_string("long", std::string(100, 'x'));

  narrate::print("2. a machine moves, by default and mended:");
  move_and_write<Machine>();
  move_and_write<MendedMachine>();

  narrate::print("3. two machines are swapped, by default and mended:");
  swap_and_write<Machine>();
  swap_and_write<MendedMachine>();

  narrate::print("4. a vector of three grows:");
  grow<Element<Move::cannot_throw, Copy::yes>>("noexcept");
  grow<Element<Move::may_throw, Copy::yes>>("may throw");
  grow<Element<Move::may_throw, Copy::no>>("only moves");

  narrate::print("5. a machine on the heap:");
  own_on_the_heap();

  narrate::print("6. places for a machine that cannot move:");
  places();

  narrate::print("7. returned without a move:");
  make_without_moving();

  narrate::print("8. pinned, but only by a promise:");
  move_behind_the_pins_back();
  copy_through_the_pin();
  outlive();
  pin_here();

  narrate::print("9. taken out of a pinned whole:");
  take_from_the_whole();

  narrate::print("10. a C++20 coroutine:");
  move_the_handle();
}

}  // namespace

int main() { return stage::run(example); }
