// Stage ch03/f: the same five requests, asking the kernel instead of each socket. New: poll(2) says
// which of them are ready, and this thread sleeps until one is.

#include <string>
#include <vector>

#include "download.hpp"
#include "handle_events.hpp"
#include "narrate/narrate.hpp"
#include "poll.hpp"
#include "stage/stage.hpp"

namespace {

void example(const stage::Options& options) {
  std::vector<Download> downloads;
  for (int i = 0; i < 5; ++i)
    downloads.emplace_back(options.server, "request-" + std::to_string(i), (5 - i) * options.unit);

  Poll poll;
  for (Token token = 0; token < downloads.size(); ++token) {
    narrate::say("register", downloads[token].name(), "readable, as token ", token);
    poll.add(downloads[token].fd(), token);
  }

  std::size_t open = downloads.size();
  std::size_t waits = 0;
  while (open > 0) {
    ++waits;
    open -= handle_events(poll, poll.wait(), downloads);
  }
  narrate::print(std::to_string(waits) + " calls of poll(), which scanned " +
                 std::to_string(poll.entries_scanned()) + " entries");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
