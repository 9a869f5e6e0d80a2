// Stage ch04/x-io-uring, an excursion from ch04/a: the same five requests with completions instead
// of readiness. New: the kernel itself puts what arrives into our buffers, and tells us afterwards.

#include <deque>
#include <string>

#include "download.hpp"
#include "handle_events.hpp"
#include "narrate/narrate.hpp"
#include "ring.hpp"
#include "stage/stage.hpp"

namespace {

void example(const stage::Options& options) {
  std::deque<Download> downloads;  // unlike a vector, it never moves what is in it
  Ring ring(8);                    // declared after the buffers, so that it ends before them
  for (int i = 0; i < 5; ++i)
    downloads.emplace_back(options.server, "request-" + std::to_string(i), (5 - i) * options.unit);

  for (Token token = 0; token < downloads.size(); ++token) {
    narrate::say("register", downloads[token].name(), "one read into its buffer, as token ", token);
    ring.recv(downloads[token].fd(), downloads[token].buffer(), token);
  }

  std::size_t open = downloads.size();
  while (open > 0) open -= handle_events(ring, ring.wait(), downloads);
  narrate::print(std::to_string(ring.calls()) + " calls of io_uring_enter(), none of read()");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
