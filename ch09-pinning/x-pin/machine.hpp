#pragma once
// What stage c moved, without the network: an object with a pointer to a part of itself. Three
// classes that differ in what a move does.

#include <string>
#include <utility>

// A coroutine's  std::string text; std::string& line = text;  as corofy keeps it. The compiler
// writes its copies and moves, member by member.
struct Machine {
  explicit Machine(std::string words) : text(std::move(words)) {}

  std::string text;
  std::string* line = &text;
};

// Mends the pointer: a new object has its own address, and an assigned one keeps it.
struct MendedMachine {
  explicit MendedMachine(std::string words) : text(std::move(words)) {}
  MendedMachine(MendedMachine&& other) noexcept : text(std::move(other.text)) {}
  MendedMachine& operator=(MendedMachine&& other) noexcept {
    text = std::move(other.text);
    return *this;
  }

  std::string text;
  std::string* line = &text;
};

// Does not move: stage d's answer. Nor is it copied: a class that says something about its moves
// has no copies that the compiler writes.
struct FixedMachine {
  explicit FixedMachine(std::string words = {}) : text(std::move(words)) {}
  FixedMachine(FixedMachine&&) = delete;

  std::string text;
  std::string* line = &text;
};

// False: it writes into something else than itself.
template <class M>
bool points_into_itself(const M& machine) {
  return machine.line == &machine.text;
}
