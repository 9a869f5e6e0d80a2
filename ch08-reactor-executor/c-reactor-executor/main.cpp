// Stage ch08/c: of many tasks, whose event was it? New: a waker says which task, and puts its
// number into a queue. Executor and reactor share nothing else.

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

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  Executor executor;
  for (int i = 0; i < 5; ++i) executor.spawn(request(options.server, i, options.unit));
  executor.run();
  narrate::print(std::to_string(executor.polls()) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
