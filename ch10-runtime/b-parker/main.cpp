// Stage ch10/b: whose is park()? New: a parker that is one atomic word, and belongs to one
// executor.

#include <chrono>
#include <cstddef>
#include <string>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

// Three coroutines, one in another.
Task<std::string> fetch(net::Address server, int i, std::chrono::milliseconds unit) {
  co_return co_await get(server, "request-" + std::to_string(i), unit);
}

Task<Report> fetch_all(net::Address server, std::chrono::milliseconds unit) {
  Report report;
  std::string& text = report.text;
  for (int i = 0; i < 3; ++i) {
    std::string body = co_await fetch(server, i, unit);
    text += " " + body;
    report.bytes += body.size();
  }
  co_return report;
}

Task<Unit> async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report = co_await fetch_all(server, unit);
  narrate::say("result", "main", report.bytes, " bytes:", report.text);
  co_return Unit{};
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
