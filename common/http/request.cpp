#include "http/request.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/wire.hpp"

namespace http {
namespace {

// A space would end the path early, a line end the whole line: whoever can write one into a path
// that we send could add headers, or a second request.
bool is_unsafe(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f;
}

void check(std::string_view text, const char* what) {
  if (std::any_of(text.begin(), text.end(), is_unsafe))
    throw std::invalid_argument(std::string(what) + " " + wire::quoted(text) +
                                " holds a space or a control character");
}

}  // namespace

std::string get_request(std::string_view path, std::string_view host) {
  if (path.empty() || path.front() != '/')
    throw std::invalid_argument("the path " + wire::quoted(path) + " does not begin with a slash");
  if (host.empty()) throw std::invalid_argument("the host is missing");
  check(path, "the path");
  check(host, "the host");

  std::string request = "GET ";
  request += path;
  request += " HTTP/1.1\r\nHost: ";
  request += host;
  request += "\r\nConnection: close\r\n\r\n";
  return request;
}

}  // namespace http
