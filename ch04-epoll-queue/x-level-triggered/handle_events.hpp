#pragma once
// What one round of the event loop does.

#include <cstddef>
#include <set>
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
  std::size_t completed = 0;
  for (Token token : ready) {
    Download& download = downloads[token];
    narrate::say("ready", download.name());
    if (token != turns.next) {
      // Unread, it would end every wait at once.
      narrate::say("aside", download.name(), "it is not its turn");
      poll.registry().remove(download.fd());
      turns.early.insert(token);
      continue;
    }
    // Level-triggered: one read, and if it leaves something behind, we are told again.
    download.read_some();
    if (!download.done()) continue;
    poll.registry().remove(download.fd());
    ++completed;
    ++turns.next;
    if (turns.early.erase(turns.next) == 1) {
      narrate::say("register", downloads[turns.next].name(), "again: it is its turn");
      poll.registry().add(downloads[turns.next].fd(), turns.next);
    }
  }
  return completed;
}
