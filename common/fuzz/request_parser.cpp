// Fuzzes the request parser: no input crashes it, gets past its limits, or is read differently when
// it is cut into pieces.

#include "http/request_parser.hpp"

#include "fuzzing.hpp"

namespace {

// Reads the requests of one connection, one after the other.
std::string read(const std::vector<std::string_view>& pieces, const http::Limits& limits) {
  http::RequestParser parser(limits);
  std::string text;
  try {
    for (std::string_view piece : pieces) {
      while (!piece.empty()) {
        std::size_t taken = parser.feed(piece);
        fuzzing::expect(taken <= piece.size(), "the parser takes no more than there is");
        fuzzing::expect(taken == piece.size() || parser.done(), "all is taken until it is done");
        piece.remove_prefix(taken);
        if (!parser.done()) continue;
        fuzzing::expect(parser.started(), "what is done has begun");
        http::Request request = parser.take();
        fuzzing::expect_within(limits, request.headers);
        fuzzing::expect(request.method.size() + request.target.size() <= limits.first_line,
                        "the request line is within its limit");
        fuzzing::expect(
            request.target.starts_with('/') || request.target == "*" || request.method == "CONNECT",
            "the target is a path");
        fuzzing::expect(request.target.find_first_of(" \t\r\n") == std::string::npos,
                        "the target holds no blanks");
        text += request.method + " " + request.target + " " + request.version + "\n" +
                fuzzing::describe(request.headers) + (request.keep_alive ? "keep\n" : "close\n");
      }
    }
    text += parser.started() ? "unfinished" : "";
  } catch (const http::RequestError& error) {
    text += std::to_string(error.status()) + error.what();
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzzing::Input input(data, size);
  fuzzing::expect(read({input.bytes}, input.limits()) == read(input.pieces, input.limits()),
                  "the result does not depend on where the bytes are cut");
  return 0;
}
