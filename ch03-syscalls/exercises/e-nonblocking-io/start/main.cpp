// Stage ch03/e: the same five requests at once. New: read() never blocks, so one thread can ask
// them all, again and again, until each has its answer.

#include <stdexcept>
#include <string>
#include <vector>

#include "download.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

namespace {

void example(const stage::Options& options) {
  std::vector<Download> downloads;
  for (int i = 0; i < 5; ++i)
    downloads.emplace_back(options.server, "request-" + std::to_string(i), (5 - i) * options.unit);

  // Ask them all, again and again, until each is complete, and count the reads that find nothing.
  throw std::logic_error("the loop of the example is yours to write");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
