#pragma once
// What is decided before anything is printed: what is kept, and what becomes of return, continue
// and the names in lambdas.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "names.hpp"
#include "own_names.hpp"
#include "reader.hpp"
#include "render.hpp"
#include "syntax.hpp"

struct Loop {
  bool waits = false;
  bool is_left = false;            // by break
  bool goes_on = false;            // behind the statements of its body, in the same braces
  std::string next;                // the label at its end, if a continue needs one
  std::vector<std::size_t> slots;  // what is kept of a round
};

// How far `for (variable : all)` has come: the members each_1_ and end_1_.
struct Iterators {
  std::size_t number;
  std::size_t at;  // the token
  Range all;
};

struct Plan {
  std::vector<std::size_t> kept;  // variables that are members, in the order of the text
  std::vector<Iterators> iterators;
  std::map<const Statement*, Loop> loops;
};

// Tells the renderer what to print instead of what was written. Throws Refusal.
[[nodiscard]] Plan make_plan(Coroutine& coroutine, const Reader& reader, const Meanings& meanings,
                             const OwnNames& names, Renderer& code);
