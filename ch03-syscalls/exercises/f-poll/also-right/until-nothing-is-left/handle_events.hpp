#pragma once
// What one round of the event loop does.

#include <cstddef>
#include <vector>

#include "download.hpp"
#include "narrate/narrate.hpp"
#include "poll.hpp"

// Lets every download that is ready take what has arrived; a token is an index into `downloads`.
// Returns how many of them are complete now, and forgets those: poll(2) reports a source for as
// long as it is readable, and a stream that has ended stays readable for ever.
inline std::size_t handle_events(Poll& poll, const std::vector<Token>& ready,
                                 std::vector<Download>& downloads) {
  std::size_t completed = 0;
  for (Token token : ready) {
    Download& download = downloads[token];
    narrate::say("ready", download.name());
    while (!download.done() && download.read_some()) {
    }
    if (!download.done()) continue;
    ++completed;
    poll.remove(token);
  }
  return completed;
}
