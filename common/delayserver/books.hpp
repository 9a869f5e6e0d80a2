#pragma once
// What the connections of a server share: its options, and the books that are kept of the delayed
// requests.

#include <array>
#include <cstdint>
#include <utility>

#include "delayserver/answer.hpp"
#include "delayserver/server.hpp"

namespace delay {

struct Books {
  static constexpr Clock::time_point never = Clock::time_point::max();
  explicit Books(Options wanted) : options(std::move(wanted)) {}

  // A delayed request has arrived …
  void begin(std::uint64_t number, const Answer& answer, Clock::time_point received);
  // … and has been answered, or is lost. Takes the text out of `answer` instead of copying it: this
  // must work when there is no memory, too.
  void end(std::uint64_t number, Answer& answer, Clock::time_point received, bool lost);

  Options options;
  Stats stats;
  std::uint64_t requests = 0;  // delayed ones, so far
  // Once the server stops: what arrives later than this is too late to be answered.
  Clock::time_point last_call = never;
  std::array<char, 16 * 1024> buffer;  // for one read() at a time

  [[nodiscard]] bool stopping() const { return last_call != never; }
};

}  // namespace delay
