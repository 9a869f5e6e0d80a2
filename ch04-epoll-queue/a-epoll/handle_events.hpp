#pragma once
// What one round of the event loop does.

#include <cstddef>
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
  std::size_t completed = 0;
  for (Token token : ready) {
    Download& download = downloads[token];
    narrate::say("ready", download.name());
    // Edge-triggered: nobody tells us again about what we leave behind now.
    while (!download.done() && download.read_some()) {
    }
    if (download.done()) {
      poll.registry().remove(download.fd());
      ++completed;
    }
  }
  return completed;
}
