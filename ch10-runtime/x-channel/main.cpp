// Stage ch10/x-channel: how do tasks hand things to each other? New: a channel, and a mutex that is
// one.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "channel.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "http.hpp"
#include "mutex.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

struct Job {
  std::string name;
  std::chrono::milliseconds delay;
};

struct Report {
  Mutex mutex;
  std::vector<std::string> lines;
};

// Takes one job after the other, until there are none.
Task<> fetch_all(net::Address server, Channel<Job>& jobs, Report& report) {
  while (std::optional<Job> job = co_await jobs.receive()) {
    std::string body = co_await get(server, job->name, job->delay);
    Mutex::Guard guard = co_await report.mutex.lock();
    report.lines.push_back(body);
  }
}

// Five requests, but never more than two at the same time.
Task<> async_main(net::Address server, std::chrono::milliseconds unit) {
  Channel<Job> jobs;
  Report report;
  std::vector<Task<>> fetchers;
  for (int i = 0; i < 2; ++i) fetchers.push_back(fetch_all(server, jobs, report));
  for (int i = 0; i < 5; ++i) jobs.post({"request-" + std::to_string(i), unit});
  jobs.close();
  co_await when_all(std::move(fetchers));
  narrate::say("result", "main", report.lines.size(), " answers");
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Executor executor(2);
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
