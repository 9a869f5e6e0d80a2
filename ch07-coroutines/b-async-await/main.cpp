// Stage ch07/b: who wants to cut functions by hand? New: two words, coroutine and wait, and a tool
// that makes the state machine of them. This file is what we write; corofy makes main_corofied.cpp
// of it, and that is what is compiled.

#include <chrono>
#include <string>

#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

namespace {

coroutine Unit request(net::Address server, int i, std::chrono::milliseconds unit) {
  std::string body = wait get(server, "request-" + std::to_string(i), (5 - i) * unit);
  narrate::say("result", "main", body, ": ", body.size(), " bytes");
}

coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
  wait request(server, 0, unit);
  wait request(server, 1, unit);
  wait request(server, 2, unit);
  wait request(server, 3, unit);
  wait request(server, 4, unit);
}

void example(const stage::Options& options) {
  auto future = async_main(options.server, options.unit);
  long polls = 1;
  while (!future.poll()) ++polls;
  narrate::print(std::to_string(polls) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
