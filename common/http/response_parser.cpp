#include "http/response_parser.hpp"

#include <algorithm>
#include <utility>

namespace http {

std::size_t ResponseParser::feed(std::string_view bytes) {
  if (failure_) throw *failure_;
  std::string_view rest = bytes;
  try {
    while (!done() && step(rest)) {
    }
  } catch (const wire::Error& error) {
    throw failure_.emplace(error.what());
  }
  return bytes.size() - rest.size();
}

// Reads on in one part of the response; false where that needs more bytes than there are.
bool ResponseParser::step(std::string_view& bytes) {
  switch (state_) {
    case State::status_line: {
      std::optional<std::string_view> line = wire_.first_line(bytes);
      if (!line) return false;
      read_status_line(*line);
      state_ = State::headers;
      return true;
    }
    case State::headers:
      if (!wire_.headers(bytes, &response_.headers)) return false;
      end_of_headers();
      return true;
    case State::body:
      if (!wire_.body(bytes, &response_.body)) return false;
      state_ = State::done;
      return true;
    case State::done:
      break;
  }
  return false;
}

// HTTP/1.1 200 OK
void ResponseParser::read_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/"))
    throw wire::Error(400, "this is not HTTP; it begins with " + wire::quoted(line));
  minor_version_ = wire::minor_version(line.substr(0, line.find(' ')));
  std::string_view rest = line.substr(8);
  auto is_digit = [&](std::size_t at) { return rest[at] >= '0' && rest[at] <= '9'; };
  // The space after the status belongs there even with no reason behind it, but not all send it.
  if (rest.size() < 4 || rest[0] != ' ' || rest[1] == '0' || !is_digit(1) || !is_digit(2) ||
      !is_digit(3) || (rest.size() > 4 && rest[4] != ' ') || !wire::is_text(rest))
    throw wire::Error(400, "the status line " + wire::quoted(line) + " is malformed");
  response_.status = (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
  response_.reason = rest.substr(std::min<std::size_t>(rest.size(), 5));
}

void ResponseParser::end_of_headers() {
  int status = response_.status;
  if (status == 101) throw wire::Error(400, "the server switches to a protocol nobody asked for");
  if (status < 200) {
    // An interim response. Its bytes stay counted: a server must not send them without end.
    wire_.count_first_line();
    response_ = {};
    state_ = State::status_line;
    return;
  }
  wire::Framing framing{wire::Framing::none};
  if (!answers_head_ && status != 204 && status != 304)
    framing = wire::framing(response_.headers, minor_version_);
  if (framing.kind == wire::Framing::unstated) framing.kind = wire::Framing::until_close;
  wire_.expect(framing);
  state_ = State::body;
}

void ResponseParser::finish() {
  if (failure_) throw *failure_;
  if (done()) return;
  if (state_ == State::body && wire_.expected().kind == wire::Framing::until_close) {
    state_ = State::done;
    return;
  }
  // Only now is it certain how the line goes on, wherever it was split.
  if (state_ == State::status_line && wire_.inside_line() &&
      !std::string_view("HTTP/").starts_with(wire_.unfinished_line().substr(0, 5)))
    throw failure_.emplace("this is not HTTP; it begins with " +
                           wire::quoted(wire_.unfinished_line()));
  std::string why = "the server closed the connection ";
  if (state_ == State::status_line && !wire_.inside_line()) {
    why += "without an answer";
  } else if (state_ != State::body) {
    why += "in the middle of the headers";
  } else {
    why += "in the middle of the body, after " + std::to_string(response_.body.size());
    if (wire_.expected().kind == wire::Framing::length)
      why += " of " + std::to_string(wire_.expected().bytes);
    why += " bytes";
  }
  throw failure_.emplace(why);
}

Response ResponseParser::take() {
  state_ = State::status_line;
  answers_head_ = false;
  wire_.reset();
  return std::exchange(response_, {});
}

}  // namespace http
