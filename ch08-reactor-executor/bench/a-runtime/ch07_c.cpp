// Stage c of chapter 7 has no runtime, and is measured here because it is what this chapter begins
// with. Its headers have the same names as those of stage a, and so have its classes: they stand in
// a namespace of their own. What they include from elsewhere comes before.

#include "ch07_c.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../requests.hpp"
#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "net/tcp_stream.hpp"

namespace ch07_c {
namespace {

#include "../../../ch07-coroutines/c-join-all/http.hpp"
#include "../../../ch07-coroutines/c-join-all/join_all.hpp"
#include "../request.hpp"

}  // namespace

requests::Done join_all_of_them(const requests::Task& task) {
  requests::Done done;
  std::vector<Box<Unit>> futures;
  for (int i = 0; i != task.count; ++i) futures.push_back(box(Request<>(task, i, done)));
  auto all = join_all(std::move(futures));
  while (!all.poll()) continue;
  return done;
}

}  // namespace ch07_c
