// Excursion ch04/x-nonblocking-connect: the same five requests, and only epoll_wait() may block.
// New: the queue also says when a connection stands and when there is room to send, and a download
// is a state machine that goes on from wherever it had to stop.

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
    narrate::say("register", downloads[token].name(), "readable, writable, as token ", token);
    poll.registry().add(downloads[token].fd(), token);
  }

  std::size_t open = downloads.size();
  std::size_t waits = 0;
  while (open > 0) {
    ++waits;
    open -= handle_events(poll, poll.wait(), downloads);
  }
  narrate::print(std::to_string(waits) + " calls of epoll_wait()");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
