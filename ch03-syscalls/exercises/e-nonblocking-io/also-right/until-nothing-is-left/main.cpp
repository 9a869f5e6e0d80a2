// Stage ch03/e: the same five requests at once. New: read() never blocks, so one thread can ask
// them all, again and again, until each has its answer.

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

  std::size_t reads = 0, empty_reads = 0;
  bool all_done = false;
  while (!all_done) {
    all_done = true;
    for (auto download = downloads.rbegin(); download != downloads.rend(); ++download) {
      if (download->done()) continue;
      ++reads;
      if (!download->read_some()) ++empty_reads;
      all_done = all_done && download->done();
    }
  }
  narrate::print(std::to_string(reads) + " reads, " + std::to_string(empty_reads) +
                 " of them found nothing");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
