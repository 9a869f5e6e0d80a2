#pragma once
// What one round of the event loop does.

#include <cstddef>
#include <set>
#include <stdexcept>
#include <vector>

#include "download.hpp"
#include "narrate/narrate.hpp"
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
  // First make the queue level-triggered: poll.hpp is still that of ch04/a. Then one read() for
  // each event is enough. Narrate each token that is handled, and what becomes of it:
  //   narrate::say("ready", download.name());
  //   narrate::say("aside", download.name(), "it is not its turn");
  //   narrate::say("register", download.name(), "again: it is its turn");
  (void)poll, (void)ready, (void)downloads, (void)turns;
  throw std::logic_error("handle_events() is yours to write");
}
