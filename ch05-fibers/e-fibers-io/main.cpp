// Stage ch05/e: can a fiber wait for the network without keeping the others? New: chapter 4's
// queue. The functions of a connection look as in chapter 3's stage d, where they blocked; here
// they park the fiber that calls them.

#include <array>
#include <string>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "runtime.hpp"
#include "stage/stage.hpp"
#include "tcp_stream.hpp"

namespace {

// Sends one request and reads until the answer is complete. TCP knows no messages: the answer may
// arrive in any number of pieces, and only the parser can tell when it is whole.
http::Response fetch(const net::Address& server, const std::string& name, const std::string& path) {
  TcpStream stream = TcpStream::connect(server);
  stream.write_all(http::get_request(path, server.to_string()));

  http::ResponseParser parser;
  std::array<char, 4096> buffer;
  while (!parser.done()) {
    std::size_t count = stream.read(buffer);
    narrate::say("read", name, count, " bytes");
    if (count == 0) {
      parser.finish();  // complete now, or this throws
    } else {
      parser.feed({buffer.data(), count});
    }
  }
  return parser.response();
}

void example(const stage::Options& options) {
  Runtime runtime;
  for (int i = 0; i < 5; ++i) {
    std::string name = "request-" + std::to_string(i);
    std::string path = "/" + std::to_string((5 - i) * options.unit.count()) + "/" + name;
    runtime.spawn([&options, name, path] {
      narrate::start(name, "GET ", path);
      http::Response response = fetch(options.server, name, path);
      narrate::done(name, response.status, " ", response.reason, ": ", response.body);
    });
  }
  runtime.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
