// Stage ch08/a: how can a program wait for its futures without asking all the time? New: a runtime,
// which sleeps in the event queue, and leaf futures that register their sources there.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "narrate/narrate.hpp"
#include "runtime.hpp"
#include "stage/stage.hpp"

namespace {

coroutine Unit request(net::Address server, int i, std::chrono::milliseconds unit) {
  std::string body = wait get(server, "request-" + std::to_string(i), (5 - i) * unit);
  narrate::say("result", "main", body, ": ", body.size(), " bytes");
}

coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
  std::vector<Box<Unit>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(box(request(server, i, unit)));
  wait join_all(std::move(futures));
}

void example(const stage::Options& options) {
  Runtime runtime;
  runtime.block_on(async_main(options.server, options.unit));
  narrate::print(std::to_string(runtime.polls()) + " polls, " + std::to_string(runtime.waits()) +
                 " calls of epoll_wait()");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
