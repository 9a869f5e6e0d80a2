#pragma once
// Draws what a stage's threads did, as its trace tells it: a row a thread, with a mark wherever it
// polled a task or called a waker, and a line wherever it was busy for long.

#include <cstddef>
#include <iosfwd>
#include <string>

#include "course/terminal.hpp"

namespace course {

// The trace is a file of narrate's (trace.hpp), which holds one event a line. Its end may be
// missing, and lines that are no events are skipped. The rows stand below those of the server's
// timeline if `before` is the room that this one leaves (columns_before_bars()). At most 80 columns
// wide and 40 rows long; below them the time axis, what the marks mean, and the sums. Empty if the
// trace tells of fewer than two threads, or of nobody who parked, and if it is too long
// to be read at once: that of a stage that spins.
[[nodiscard]] std::string thread_timeline(std::istream& trace, const Style& style,
                                          std::size_t before);

}  // namespace course
