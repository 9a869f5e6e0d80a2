#include "http/request_parser.hpp"

#include <algorithm>
#include <utility>

#include "http/percent.hpp"

namespace http {
namespace {

// Path and query of what stands in the request line.
std::string parse_target(std::string_view method, std::string_view target) {
  if (target.starts_with('/') || (method == "CONNECT" && !target.empty()))
    return std::string(target);
  if (target == "*" && method == "OPTIONS") return "*";

  // What a proxy is asked: http://host:port/path. Whatever the host, it is us who were asked.
  std::size_t host = target.find("://");
  if (host != std::string_view::npos && wire::is_token(target.substr(0, host))) {
    std::string_view rest = target.substr(host + 3);
    std::size_t path = rest.find_first_of("/?");
    if (path != 0 && !rest.empty()) {
      if (path == std::string_view::npos) return "/";
      return (rest[path] == '/' ? "" : "/") + std::string(rest.substr(path));
    }
  }
  throw wire::Error(400, "the target " + wire::quoted(target) + " does not begin with a slash");
}

// A name or an address, an IPv6 address in brackets; perhaps with a port (RFC 9112, section 3.2).
bool is_host(std::string_view text) {
  std::string_view port = text;
  if (text.starts_with('[')) {
    std::size_t end = text.find_first_not_of("0123456789ABCDEFabcdef:.", 1);
    if (end == std::string_view::npos || text[end] != ']') return false;
    port.remove_prefix(end + 1);
  } else {
    std::size_t end = text.find_first_not_of(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=%");
    port.remove_prefix(std::min(end, text.size()));
  }
  bool port_is_one =
      port.empty() ||
      (port.front() == ':' && port.find_first_not_of("0123456789", 1) == std::string_view::npos);
  return port_is_one && percent_decode(text);
}

bool wants_keep_alive(const Request& request) {
  bool close = false, keep_alive = request.version != "HTTP/1.0";
  for (const Header& header : request.headers)
    if (wire::equal_ignoring_case(header.name, "Connection"))
      wire::for_each_element(header.value, [&](std::string_view option) {
        if (wire::equal_ignoring_case(option, "close")) close = true;
        if (wire::equal_ignoring_case(option, "keep-alive")) keep_alive = true;
      });
  return keep_alive && !close;
}

}  // namespace

std::size_t RequestParser::feed(std::string_view bytes) {
  if (failure_) throw *failure_;
  std::string_view rest = bytes;
  try {
    while (!done() && step(rest)) {
    }
  } catch (const wire::Error& error) {
    throw failure_.emplace(error.status(), error.what());
  }
  return bytes.size() - rest.size();
}

// Reads on in one part of the request; false where that needs more bytes than there are.
bool RequestParser::step(std::string_view& bytes) {
  switch (state_) {
    case State::request_line: {
      std::optional<std::string_view> line = wire_.first_line(bytes);
      if (!line) return false;
      // Some clients send an empty line after a body; it belongs to nobody. But not without end.
      if (line->empty() && ++empty_lines_ <= most_empty_lines) return true;
      read_request_line(*line);
      state_ = State::headers;
      return true;
    }
    case State::headers:
      if (!wire_.headers(bytes, &request_.headers)) return false;
      end_of_headers();
      return true;
    case State::body:
      if (!bytes.empty()) wants_continue_ = false;
      if (!wire_.body(bytes, nullptr)) return false;
      state_ = State::done;
      return true;
    case State::done:
      break;
  }
  return false;
}

// GET /1000/hello HTTP/1.1
void RequestParser::read_request_line(std::string_view line) {
  std::size_t first = line.find(' '), last = line.rfind(' ');
  std::string_view method = line.substr(0, first);
  request_.method = method;
  if (first == last)
    throw wire::Error(
        400, "the request line " + wire::quoted(line) + " is not a method, a target and a version");
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (!wire::is_token(method)) throw wire::Error(400, wire::quoted(method) + " is not a method");
  minor_version_ = wire::minor_version(line.substr(last + 1));
  if (!wire::is_text(target) || target.find_first_of(" \t") != std::string_view::npos)
    throw wire::Error(
        400, "the target " + wire::quoted(target) + " holds a space or a control character");
  request_.target = parse_target(method, target);
  request_.version = minor_version_ == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

void RequestParser::end_of_headers() {
  int hosts = 0;
  for (const Header& header : request_.headers) {
    if (!wire::equal_ignoring_case(header.name, "Host")) continue;
    ++hosts;
    if (!is_host(header.value))
      throw wire::Error(400, "the Host " + wire::quoted(header.value) + " is no host");
  }
  if (hosts > 1) throw wire::Error(400, "there is more than one Host header");
  if (hosts == 0 && minor_version_ != 0)
    throw wire::Error(400, "HTTP/1.1 requests need a Host header");

  wire::Framing framing = wire::framing(request_.headers, minor_version_);
  wire_.expect(framing);  // unstated: a request without a body
  request_.keep_alive = wants_keep_alive(request_);
  bool body_comes = framing.kind == wire::Framing::chunked || framing.bytes > 0;
  wants_continue_ =
      body_comes && minor_version_ != 0 &&
      wire::equal_ignoring_case(request_.header("Expect").value_or(""), "100-continue");
  state_ = State::body;
}

bool RequestParser::is_head() const noexcept {
  // Of a first line that is unfinished, or too long, only the beginning is there.
  if (state_ == State::request_line && wire_.unfinished_line().starts_with("HEAD ")) return true;
  return request_.method == "HEAD";
}

Request RequestParser::take() {
  state_ = State::request_line;
  empty_lines_ = 0;
  wants_continue_ = false;
  wire_.reset();
  return std::exchange(request_, {});
}

}  // namespace http
