#pragma once
// A request as a coroutine.

#include <array>
#include <chrono>
#include <string>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"
#include "reactor.hpp"
#include "socket.hpp"
#include "task.hpp"

// GET /{delay}/{name}; its result is the body of the answer, whatever its status, and by then the
// connection is closed. Throws std::system_error, with ETIMEDOUT when the deadline has passed, and
// http::ParseError if the server closes too early, or sends what is not HTTP.
inline Task<std::string> get(net::Address server, std::string name, std::chrono::milliseconds delay,
                             Clock::time_point deadline = never) {
  std::string path = "/" + std::to_string(delay.count()) + "/" + name;
  narrate::start(name, "GET ", path);
  Socket socket = co_await Socket::connect(server, name, deadline);
  std::string request = http::get_request(path, server.to_string());
  co_await socket.write(request);
  http::ResponseParser parser;
  std::array<char, 4096> buffer;
  while (!parser.done()) {
    std::size_t count = co_await socket.read(buffer);
    if (count == 0) {
      parser.finish();  // complete now, or this throws
    } else {
      parser.feed({buffer.data(), count});
    }
  }
  narrate::done(name, parser.response().status, " ", parser.response().reason, ": ",
                parser.response().body);
  co_return parser.response().body;
}
