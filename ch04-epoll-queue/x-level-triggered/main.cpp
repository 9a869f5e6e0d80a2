// Excursion ch04/x-level-triggered: the same queue without EPOLLET. New: a source is reported for
// as long as it is readable. So one read an event is enough; but the answers are wanted in the
// order of the requests now, and whoever is ready before their turn would be reported again and
// again.

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
    narrate::say("register", downloads[token].name(), "readable, level-triggered, as token ",
                 token);
    poll.registry().add(downloads[token].fd(), token);
  }

  Turns turns;
  std::size_t open = downloads.size();
  std::size_t waits = 0;
  while (open > 0) {
    ++waits;
    open -= handle_events(poll, poll.wait(), downloads, turns);
  }
  narrate::print(std::to_string(waits) + " calls of epoll_wait()");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
