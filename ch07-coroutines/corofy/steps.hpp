#pragma once
// Prints the statements of a coroutine between the labels of its states.

#include <cstddef>
#include <vector>

#include "lines.hpp"
#include "names.hpp"
#include "options.hpp"
#include "own_names.hpp"
#include "plan.hpp"
#include "reader.hpp"
#include "render.hpp"
#include "syntax.hpp"

// What stands in poll(), or in the second function that it calls. Returns whether it uses the
// template Made.
//
// It has the function's own statements, in their order, inside a switch over the state. Each wait
// is a label in it: so poll() jumps to where it has stopped, even into the middle of a loop. (Simon
// Tatham, "Coroutines in C", 2000; the jump into a loop is Tom Duff's, 1983.)
[[nodiscard]] bool print_statements(const Coroutine& coroutine, const Reader& reader,
                                    const Meanings& meanings, const OwnNames& names,
                                    const Plan& plan, const Options& options, Renderer& code,
                                    Lines& out);

// Ends these variables, the youngest first.
void print_ends(const Coroutine& coroutine, const std::vector<std::size_t>& variables,
                std::size_t column, Lines& out);
