#pragma once
// A function can return what cannot move: since C++17 a prvalue is no object yet, but the recipe
// for one. The object is made where the caller wants it.

#include <list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "machine.hpp"
#include "narrate/narrate.hpp"

// `FixedMachine machine(words); return machine;` would not compile: a variable is an object, and
// has to move.
inline FixedMachine make(std::string words) { return FixedMachine(std::move(words)); }
inline FixedMachine make_politely(std::string words) { return make("please, " + std::move(words)); }

// For places that take a constructor's arguments, but no recipe: it converts to what make()
// returns. The result of that conversion is a recipe, too.
template <class Make>
struct InPlace {
  operator std::invoke_result_t<Make&>() { return make(); }
  Make make;
};
template <class Make>
InPlace(Make) -> InPlace<Make>;

struct Elided {
  bool local, in_optional, in_list;
};

inline Elided make_without_moving() {
  FixedMachine local = make_politely("here");
  narrate::say("make", "local", &local, ": ", local.text);
  std::optional<FixedMachine> maybe;
  maybe.emplace(InPlace{[] { return make_politely("in the optional"); }});
  narrate::say("make", "optional", &*maybe, ": ", maybe->text);
  std::list<FixedMachine> list;
  list.emplace_back(InPlace{[] { return make_politely("in the list"); }});
  narrate::say("make", "list", &list.back(), ": ", list.back().text);
  return {points_into_itself(local), points_into_itself(*maybe), points_into_itself(list.back())};
}
