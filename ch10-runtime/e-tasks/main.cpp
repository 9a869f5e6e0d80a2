// Stage ch10/e: how does one get what a spawned task has found out? New: spawn() returns a handle
// to wait with, and spawn_blocking() does the same for a call that blocks.

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "blocking.hpp"
#include "executor.hpp"
#include "http.hpp"
#include "join_handle.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

// Blocks the thread that calls it, as many a library does.
std::size_t measure(const std::string& body, std::chrono::milliseconds unit) {
  std::this_thread::sleep_for(unit);
  return body.size();
}

Task<std::string> fetch(net::Address server, int i, std::chrono::milliseconds unit) {
  co_return co_await get(server, "request-" + std::to_string(i), (3 - i) * unit);
}

Task<Report> fetch_all(net::Address server, std::chrono::milliseconds unit) {
  std::vector<JoinHandle<std::string>> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(spawn(fetch(server, i, unit)));
  Report report;
  for (JoinHandle<std::string>& request : requests) {
    std::string body = co_await std::move(request);
    auto length = [&] { return measure(body, unit); };
    report.bytes += co_await spawn_blocking(length);
    report.text += " " + body;
  }
  co_return report;
}

Task<> async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report = co_await fetch_all(server, unit);
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
