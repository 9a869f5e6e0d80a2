#pragma once
// Reads an HTTP/1 response from the bytes of a connection, in whatever pieces they arrive.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "http/wire.hpp"

namespace http {

struct Response {
  int status = 0;      // 100 to 999
  std::string reason;  // "OK"; may be empty
  std::vector<Header> headers;
  std::string body;  // complete, and without the framing of chunks

  // The first value of that header, upper or lower case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

// What came is not an HTTP/1 response, is cut off, or exceeds a limit; what() says which.
class ParseError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

//   ResponseParser parser;
//   while (!parser.done()) {
//     std::size_t size = …read into buffer…;
//     if (size == 0) parser.finish();
//     else parser.feed({buffer, size});
//   }
//   use(parser.response());
//
// The result does not depend on where the bytes were split, and the work is linear in their number.
// Interim responses (1xx) are skipped and count as headers; trailers are checked and dropped. Lines
// of the head may end in a bare LF. Refused: headers folded over several lines, a Content-Length
// beside a Transfer-Encoding or beside a different one, and any transfer coding other than chunked;
// but not where no body can follow (204, 304, the answer to HEAD).
// One thread at a time.
class ResponseParser {
 public:
  explicit ResponseParser(Limits limits = {}) : wire_(limits) {}

  // The next response answers a HEAD request: no body follows, whatever its headers say. To be
  // called before its first byte is fed.
  void answers_head() noexcept { answers_head_ = true; }

  // Takes what belongs to this response and returns how many bytes that was; what is left belongs
  // to the next one on the connection. Once done(), takes nothing. Throws ParseError, and from then
  // on always the same.
  std::size_t feed(std::string_view bytes);
  // The server has closed the connection. That completes a body that has no other end; anywhere
  // else it throws ParseError.
  void finish();

  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  // Valid until the next non-const call. Only when done().
  [[nodiscard]] const Response& response() const noexcept { return response_; }
  // Hands the response out and is ready for the next one. Only when done().
  [[nodiscard]] Response take();

 private:
  enum class State { status_line, headers, body, done };

  bool step(std::string_view& bytes);
  void read_status_line(std::string_view line);
  void end_of_headers();

  State state_ = State::status_line;
  bool answers_head_ = false;
  int minor_version_ = 0;
  wire::Reader wire_;
  Response response_;
  std::optional<ParseError> failure_;
};

}  // namespace http
