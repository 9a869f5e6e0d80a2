#pragma once
// A pass: the condition of a loop that waits.

#include "syntax.hpp"

// `loop` is a while or for loop whose whole condition is a wait (loop.wait says which; its body may
// wait, too). Returns a loop that does the same without a condition of its own: in each round it
// first waits in an if, and leaves where the result is false.
//
//   while (wait more()) body    ->    while (true) { if (!wait more()) break; body }
//
// What stands in front of the condition and behind it (`for (before; …; last)`) stays with the
// loop, and all parts keep their range in the file.
[[nodiscard]] Statement while_condition(Statement loop);
