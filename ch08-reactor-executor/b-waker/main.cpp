// Stage ch08/b: who tells whom that something has happened, and on which thread? New: a waker,
// which a leaf future leaves with the reactor; and the reactor has a thread of its own.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
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
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  executor.block_on(async_main(options.server, options.unit));
  narrate::print(std::to_string(executor.polls()) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
