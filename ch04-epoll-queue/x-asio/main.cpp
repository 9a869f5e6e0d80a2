// Stage ch04/x-asio, an excursion from ch04/a: the same five requests on a mature library. New: the
// event loop is Asio's, and what we hand it are operations, each with the callback that comes next.

#include <deque>
#include <string>

#include "download.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

namespace {

void example(const stage::Options& options) {
  asio::io_context context(1);     // a hint: one thread is going to run it
  std::deque<Download> downloads;  // unlike a vector, it never moves what is in it
  for (int i = 0; i < 5; ++i)
    downloads.emplace_back(context, options.server, "request-" + std::to_string(i),
                           (5 - i) * options.unit);

  // Returns when nothing is left that could call us back.
  narrate::Span wait("wait", "and call back, in io_context::run()");
  std::size_t callbacks = context.run();
  narrate::print(std::to_string(callbacks) + " callbacks from one call of io_context::run()");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
