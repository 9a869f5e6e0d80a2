// Stage ch08/d: how does a coroutine start what it does not wait for? New: spawn(), which finds the
// executor by itself.

#include <chrono>
#include <string>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"

namespace {

coroutine Unit request(net::Address server, int i, std::chrono::milliseconds unit) {
  std::string body = wait get(server, "request-" + std::to_string(i), (5 - i) * unit);
  narrate::say("result", "main", body, ": ", body.size(), " bytes");
}

coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
  for (int i = 0; i < 5; ++i) spawn(request(server, i, unit));
  narrate::say("result", "main", "five requests are spawned");
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
  narrate::print(std::to_string(executor.polls()) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
