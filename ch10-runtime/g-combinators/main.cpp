// Stage ch10/g: how does one wait for several at once? New: when_all() and when_any(), whose tasks
// are parts of whoever waits for them.

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "combinators.hpp"
#include "executor.hpp"
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

Task<std::string> fetch(net::Address server, int i, std::chrono::milliseconds unit) {
  return get(server, "request-" + std::to_string(i), (i + 1) * unit);
}

Task<Report> fetch_all(net::Address server, std::chrono::milliseconds unit) {
  std::vector<Task<std::string>> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(fetch(server, i, unit));
  Report report;
  for (const std::string& body : co_await when_all(std::move(requests))) {
    report.bytes += body.size();
    report.text += " " + body;
  }
  co_return report;
}

Task<> async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report = co_await fetch_all(server, unit);
  narrate::say("result", "main", report.bytes, " bytes:", report.text);

  std::vector<Task<std::string>> race;
  for (int i : {5, 3, 4}) race.push_back(fetch(server, i, unit));
  auto [winner, body] = co_await when_any(std::move(race));
  narrate::say("result", "main", "the first is number ", winner, ": ", body);
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
