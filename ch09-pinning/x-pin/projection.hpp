#pragma once
// From a pinned whole to its members. Some have to stay because the whole stays: they are pinned
// structurally. Others may be moved out.

#include <concepts>
#include <string>
#include <utility>

#include "machine.hpp"
#include "narrate/narrate.hpp"
#include "pin.hpp"

// It can't move because a member can't. So the compiler derives that this member is pinned with it.
struct Whole {
  explicit Whole(std::string answer) : result(std::move(answer)) {}

  FixedMachine machine{"words"};
  std::string result;
};
static_assert(!std::movable<Whole> && !unpin<Whole>);

// The machine stays pinned, so what leads to it is a pin, too.
inline Pin<FixedMachine*> machine_of(Pin<Whole*> whole) {
  return Pin<FixedMachine*>::unchecked(&whole.get_unchecked().machine);
}
// The string need not stay: nothing points into it. It is taken by value.
inline std::string take_result(Pin<Whole*> whole) {
  return std::move(whole.get_unchecked().result);
}

struct Taken {
  std::string result;
  bool machine_stayed;
};

inline Taken take_from_the_whole() {
  Whole whole("the answer");
  Pin<Whole*> pinned = Pin<Whole*>::unchecked(&whole);
  std::string result = take_result(pinned);
  Pin<FixedMachine*> machine = machine_of(pinned);
  bool stayed = &*machine == &whole.machine && points_into_itself(*machine);
  narrate::say("take", "result", '"', result, '"');
  narrate::say(stayed ? "stay" : "move", "machine", "at ", &*machine);
  return {result, stayed};
}
