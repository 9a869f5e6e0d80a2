#pragma once
// A move is a call of a function. What does it do about a pointer into the object?

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "narrate/narrate.hpp"

// Does the string keep its characters in the object itself? Then it points into itself.
inline bool keeps_inside(const std::string& text) {
  auto object = reinterpret_cast<std::uintptr_t>(&text);
  auto characters = reinterpret_cast<std::uintptr_t>(text.data());
  return object <= characters && characters < object + sizeof text;
}

struct MovedString {
  bool inside_before, inside_after;
  bool characters_stayed;  // the new string has the old one's characters, not a copy of them
};

inline MovedString move_a_string(std::string_view name, std::string first) {
  auto characters = [](const std::string& text) -> const void* { return text.data(); };
  const void* before = characters(first);
  bool inside = keeps_inside(first);
  narrate::say("make", name, "at ", &first, ", characters at ", before,
               inside ? ", inside" : ", outside");
  std::string second = std::move(first);
  narrate::say("move", name, "to ", &second, ", characters at ", characters(second),
               keeps_inside(second) ? ", inside" : ", outside");
  return {inside, keeps_inside(second), characters(second) == before};
}

// What the two objects say in the end.
struct Texts {
  std::string first, second;
};

template <class M>
Texts move_and_write() {
  M first("old words");
  narrate::say("make", "first", "text at ", &first.text, ", line -> ", first.line);
  M second = std::move(first);
  narrate::say("move", "second", "text at ", &second.text, ", line -> ", second.line);
  *second.line = "new words";  // the first one still exists, so it may be written to
  narrate::say("write", "second", "first: \"", first.text, "\", second: \"", second.text, '"');
  return {first.text, second.text};
}

// std::swap makes three moves: first to a third place, second to first, the third place to second.
template <class M>
Texts swap_and_write() {
  M first("one"), second("two");
  std::swap(first, second);
  narrate::say("swap", "both", "first: \"", first.text, "\", second: \"", second.text, '"');
  *first.line = "new words";
  narrate::say("write", "first", "first: \"", first.text, "\", second: \"", second.text, '"');
  return {first.text, second.text};
}
