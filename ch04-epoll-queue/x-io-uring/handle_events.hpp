#pragma once
// What one round of the event loop does.

#include <cstddef>
#include <deque>
#include <vector>

#include "download.hpp"
#include "ring.hpp"

// Lets every download take what an operation has put into its buffer; a token is an index into
// `downloads`. Returns how many of them are complete now. For the others it asks again: an
// operation has one completion, and nothing more comes by itself.
inline std::size_t handle_events(Ring& ring, const std::vector<Completion>& completions,
                                 std::deque<Download>& downloads) {
  std::size_t completed = 0;
  for (auto [token, result] : completions) {
    Download& download = downloads[token];
    download.take(result);
    if (download.done()) {
      ++completed;
    } else {
      ring.recv(download.fd(), download.buffer(), token);
    }
  }
  return completed;
}
