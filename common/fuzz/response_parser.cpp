// Fuzzes the response parser: no input crashes it, gets past its limits, or is read differently
// when it is cut into pieces. The first option: the response answers a HEAD request.

#include "http/response_parser.hpp"

#include "fuzzing.hpp"

namespace {

// Reads the responses of one connection, one after the other, until it closes.
std::string read(const std::vector<std::string_view>& pieces, const fuzzing::Input& input) {
  http::ResponseParser parser(input.limits());
  std::string text;
  // What one response may take, its interim ones included: each byte of a body can be a chunk, with
  // a size of 16 digits and two line ends around it.
  http::Limits limits = input.limits();
  std::size_t taken_for_one = 0;
  std::size_t most = limits.first_line + limits.header_bytes + 21 * limits.body_bytes + 18;
  auto take = [&] {
    taken_for_one = 0;
    http::Response response = parser.take();
    fuzzing::expect_within(input.limits(), response.headers);
    fuzzing::expect(response.body.size() <= input.limits().body_bytes,
                    "the body is within its limit");
    fuzzing::expect(response.status >= 200 && response.status <= 999, "the status is a final one");
    text += std::to_string(response.status) + response.reason + "\n" +
            fuzzing::describe(response.headers) + response.body + "\n";
    if (input.first_option) parser.answers_head();
  };
  if (input.first_option) parser.answers_head();
  try {
    for (std::string_view piece : pieces) {
      while (!piece.empty()) {
        std::size_t taken = parser.feed(piece);
        fuzzing::expect(taken <= piece.size(), "the parser takes no more than there is");
        fuzzing::expect(taken == piece.size() || parser.done(), "all is taken until it is done");
        piece.remove_prefix(taken);
        taken_for_one += taken;
        fuzzing::expect(taken_for_one <= most, "a response takes no more than its limits");
        if (parser.done()) take();
      }
    }
    parser.finish();
    take();
  } catch (const http::ParseError& error) {
    text += error.what();
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzzing::Input input(data, size);
  fuzzing::expect(read({input.bytes}, input) == read(input.pieces, input),
                  "the result does not depend on where the bytes are cut");
  return 0;
}
