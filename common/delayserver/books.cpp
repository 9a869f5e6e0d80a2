#include "delayserver/books.hpp"

#include <algorithm>

namespace delay {

void Books::begin(std::uint64_t number, const Answer& answer, Clock::time_point received) {
  stats.peak_in_flight = std::max(stats.peak_in_flight, ++stats.in_flight);
  if (!options.on_request) return;
  options.on_request({.number = number,
                      .delay = answer.delay,
                      .message = answer.text,
                      .received = received,
                      .answered = {},
                      .lost = false});
}

void Books::end(std::uint64_t number, Answer& answer, Clock::time_point received, bool lost) {
  --stats.in_flight;
  ++(lost ? stats.errors : stats.served);
  if (!options.on_answer) return;
  options.on_answer({.number = number,
                     .delay = answer.delay,
                     .message = std::move(answer.text),
                     .received = received,
                     .answered = Clock::now(),
                     .lost = lost});
}

}  // namespace delay
