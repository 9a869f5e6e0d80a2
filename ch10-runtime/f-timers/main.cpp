// Stage ch10/f: how long shall it wait? New: deadlines. A coroutine can sleep, and a request that
// takes too long ends with an error.

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "http.hpp"
#include "join_handle.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "sleep.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

// Two and a half units are enough for some of them.
Task<std::string> fetch(net::Address server, int i, std::chrono::milliseconds unit) {
  co_return co_await get(server, "request-" + std::to_string(i), (i + 1) * unit,
                         Clock::now() + 5 * unit / 2);
}

Task<Report> fetch_all(net::Address server, std::chrono::milliseconds unit) {
  std::vector<JoinHandle<std::string>> requests;
  for (int i = 0; i < 5; ++i) requests.push_back(spawn(fetch(server, i, unit)));
  Report report;
  for (JoinHandle<std::string>& request : requests) {
    try {
      std::string body = co_await std::move(request);
      report.bytes += body.size();
      report.text += " " + body;
    } catch (const std::system_error& error) {
      report.text += std::string(" (") + error.what() + ")";
    }
  }
  co_return report;
}

Task<> tick(std::chrono::milliseconds unit) {
  for (int i = 1; i <= 3; ++i) {
    co_await sleep_for(unit);
    narrate::say("tick", "clock", i);
  }
}

Task<> async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report = co_await fetch_all(server, unit);
  narrate::say("result", "main", report.bytes, " bytes:", report.text);
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  executor.spawn(tick(options.unit));
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
