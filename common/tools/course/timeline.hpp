#pragma once
// Draws what the delayserver saw: a row a request, a bar from its arrival to its answer.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "course/terminal.hpp"
#include "delayserver/server.hpp"

namespace course {

// `seen` in the order of arrival; those that are not answered yet (`answered` is not set) last
// until `now`. At most 80 columns wide and 40 rows long; below the bars stand the time axis and one
// line with the number of requests, the peak in flight and the time. Every line ends with a
// newline.
[[nodiscard]] std::string timeline(const std::vector<delay::Exchange>& seen, std::uint64_t peak,
                                   delay::Clock::time_point now, const Style& style);

// For a picture that stands below this one.

using Milliseconds = std::chrono::duration<double, std::milli>;
constexpr std::size_t most_rows = 40;

// How much room a row has in front of the blank and the line that its bar stands on.
[[nodiscard]] std::size_t columns_before_bars(const std::vector<delay::Exchange>& seen,
                                              const Style& style);
// "0        1        2 s": each number stands below its place.
[[nodiscard]] std::string axis(Milliseconds total, std::size_t width);

}  // namespace course
