#pragma once
// What one round of the event loop does.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "download.hpp"
#include "poll.hpp"

// Lets every download that is ready take what has arrived; a token is an index into `downloads`.
// Returns how many of them are complete now, and forgets those: the end of their stream would be
// one more event, and they would count twice. Once a download is done() nothing more may be read of
// it: at the end of the stream there is something to be had at every read, and it is nothing.
inline std::size_t handle_events(Poll& poll, const std::vector<Token>& ready,
                                 std::vector<Download>& downloads) {
  const Registry registry = poll.registry();
  return static_cast<std::size_t>(std::count_if(ready.begin(), ready.end(), [&](Token token) {
    Download& download = downloads.at(token);
    do {
      if (download.done()) break;
    } while (download.read_some());
    if (!download.done()) return false;
    registry.remove(download.fd());
    return true;
  }));
}
