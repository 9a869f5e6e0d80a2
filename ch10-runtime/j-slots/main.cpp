// Stage ch10/j: what does a wait cost? New: one word a direction, whose address the kernel gives
// back, and a wheel of timers. No map, no lock, and nothing is allocated.

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include "executor.hpp"
#include "group.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "sleep.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

Task<> fetch(net::Address server, int i, std::chrono::milliseconds unit, Report& report) {
  std::string body = co_await get(server, "request-" + std::to_string(i), (i + 1) * unit);
  report.bytes += body.size();
  report.text += " " + body;
}

// Asks for more and more, until it is stopped.
Task<> fetch_all(net::Address server, std::chrono::milliseconds unit, Report& report) {
  auto body = [&](TaskGroup& group) -> Task<> {
    for (int i = 0;; ++i) {
      group.spawn(fetch(server, i, unit, report));
      co_await sleep_for(unit);
    }
  };
  co_await with_group(body);
}

Task<> async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report;
  try {
    co_await with_timeout(9 * unit / 2, fetch_all(server, unit, report));
  } catch (const std::system_error& error) {
    narrate::say("stopped", "main", error.what());
  }
  narrate::say("result", "main", report.bytes, " bytes:", report.text);
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Executor executor;
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
