// Stage ch09/d: how does a machine stay where it is? New: futures that cannot move. They are made
// on the heap, and what moves is a pointer: Pinned.

#include <chrono>
#include <cstddef>
#include <string>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"

namespace {

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report;
  std::string& text = report.text;
  for (int i = 0; i < 3; ++i) {
    std::string body = wait get(server, "request-" + std::to_string(i), unit);
    text += " " + body;
    report.bytes += body.size();
  }
  narrate::say("result", "main", report.bytes, " bytes:", report.text);
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
