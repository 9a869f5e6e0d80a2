// Stage ch07/c: the same five requests, and all of them on their way at once. New: a future that
// waits for any number of others.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "narrate/narrate.hpp"
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
  auto future = async_main(options.server, options.unit);
  long polls = 1;
  while (!future.poll()) ++polls;
  narrate::print(std::to_string(polls) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
