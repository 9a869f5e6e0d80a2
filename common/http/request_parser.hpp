#pragma once
// Reads HTTP/1 requests from the bytes of a connection, in whatever pieces they arrive: for
// servers.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"
#include "http/wire.hpp"

namespace http {

struct Request {
  std::string method;   // as it was sent: "GET"; never empty, not checked against any list
  std::string target;   // path and query, "/1000/hello?fill=9", still percent-encoded; see below
  std::string version;  // "HTTP/1.0" or "HTTP/1.1"
  std::vector<Header> headers;
  bool keep_alive = false;  // the client expects the connection to stay open after the answer

  // The first value of that header, upper or lower case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

// What came is not an acceptable request. Answer with status() and what(), then close: where the
// next request begins is unknown.
class RequestError : public std::runtime_error {
 public:
  RequestError(int status, const std::string& why) : std::runtime_error(why), status_(status) {}
  // 400 (malformed), 413 (body), 414 (request line) or 431 (headers too large), 501 (an unknown
  // transfer coding), 505 (not HTTP/1).
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

//   while (!bytes.empty()) {
//     bytes.remove_prefix(parser.feed(bytes));
//     if (parser.done()) serve(parser.take());  // then the next, pipelined one
//   }
//
// The result does not depend on where the bytes were split, and the work is linear in their number.
// A few empty lines before a request are skipped. Lines of the head may end in a bare LF, so that
// people can type requests. Refused: folded headers, blanks before a colon, a Content-Length beside
// a Transfer-Encoding or beside a different one, HTTP/1.1 without exactly one Host, a Host that is
// no host.
//
// The target of a proxy request (GET http://host/path) is cut down to path and query; OPTIONS may
// have the target "*", and a CONNECT keeps whatever it named. A body is read, checked and dropped.
// One thread at a time.
class RequestParser {
 public:
  explicit RequestParser(Limits limits = {}) : wire_(limits) {}

  // Takes what belongs to this request and returns how many bytes that was. Once done(), takes
  // nothing until take() was called. Throws RequestError, and from then on always the same.
  std::size_t feed(std::string_view bytes);

  // The request is complete, its body included.
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  // Some byte of the request has arrived; empty lines do not count.
  [[nodiscard]] bool started() const noexcept {
    return state_ != State::request_line || wire_.inside_line();
  }
  // What has arrived of it asks for an answer without a body; known also when feed() has thrown.
  [[nodiscard]] bool is_head() const noexcept;
  // The client waits for a "100 Continue" before it sends the body; true once a request at most.
  [[nodiscard]] bool wants_continue() noexcept { return std::exchange(wants_continue_, false); }
  // Hands the request out and is ready for the next one. Only when done().
  [[nodiscard]] Request take();

 private:
  enum class State { request_line, headers, body, done };
  static constexpr int most_empty_lines = 8;  // before a request

  bool step(std::string_view& bytes);
  void read_request_line(std::string_view line);
  void end_of_headers();

  State state_ = State::request_line;
  int empty_lines_ = 0;
  int minor_version_ = 0;
  bool wants_continue_ = false;
  wire::Reader wire_;
  Request request_;
  std::optional<RequestError> failure_;
};

}  // namespace http
