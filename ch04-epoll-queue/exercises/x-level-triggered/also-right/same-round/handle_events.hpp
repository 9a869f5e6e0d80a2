#pragma once
// What one round of the event loop does.

#include <cstddef>
#include <set>
#include <vector>

#include "download.hpp"
#include "poll.hpp"

// The answers are wanted in the order of the requests; they come in another.
struct Turns {
  Token next = 0;         // whose turn it is: all before it are complete
  std::set<Token> early;  // were ready before their turn, and are not registered until it comes
};

// Lets the download whose turn it is take what has arrived; a token is an index into `downloads`.
// One that is ready before its turn is taken out of the queue: its bytes stay in the kernel, and
// when there is no more room for them, its server has to wait.
// Returns how many are complete now, and forgets those: the end of a stream is readable for ever.
inline std::size_t handle_events(Poll& poll, const std::vector<Token>& ready,
                                 std::vector<Download>& downloads, Turns& turns) {
  // Whose turn it is comes first; who has been waiting for it goes on in the same round.
  std::size_t before = turns.next;
  for (Token token : ready) {
    if (token != turns.next) {
      poll.registry().remove(downloads[token].fd());
      turns.early.insert(token);
      continue;
    }
    downloads[token].read_some();
    while (turns.next < downloads.size() && downloads[turns.next].done()) {
      if (turns.early.erase(turns.next) == 0) poll.registry().remove(downloads[turns.next].fd());
      ++turns.next;
      if (turns.early.contains(turns.next)) downloads[turns.next].read_some();
    }
    if (turns.early.erase(turns.next) == 1)
      poll.registry().add(downloads[turns.next].fd(), turns.next);
  }
  return turns.next - before;
}
