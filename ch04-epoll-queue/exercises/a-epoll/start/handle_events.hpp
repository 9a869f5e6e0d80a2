#pragma once
// What one round of the event loop does.

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "download.hpp"
#include "narrate/narrate.hpp"
#include "poll.hpp"

// Lets every download that is ready take what has arrived; a token is an index into `downloads`.
// Returns how many of them are complete now, and forgets those: the end of their stream would be
// one more event, and they would count twice. Once a download is done() nothing more may be read of
// it: at the end of the stream there is something to be had at every read, and it is nothing.
inline std::size_t handle_events(Poll& poll, const std::vector<Token>& ready,
                                 std::vector<Download>& downloads) {
  // Narrate each token that is handled:  narrate::say("ready", downloads[token].name());
  (void)poll, (void)ready, (void)downloads;
  throw std::logic_error("handle_events() is yours to write");
}
