#pragma once
// The mini HTTP client: one blocking GET.

#include <chrono>
#include <string>

#include "http/response_parser.hpp"

namespace http {

// Fetches an http:// URL: http://localhost:8080/1000/hello, http://[::1]:8080/, http://example.org.
// Whatever the status, the response is returned; redirects are not followed. The connection is used
// for this one request and closed, however the call ends.
//
// `timeout` is for everything together, connecting, sending and receiving, except for looking up a
// name, which the system's resolver does in its own time. Throws
//   std::invalid_argument   the URL is not acceptable, or its host unknown
//   std::system_error       "get URL": ETIMEDOUT after the timeout, ECONNREFUSED, ECONNRESET, …
//   ParseError              the answer is not HTTP, is cut off, or exceeds the default limits
// Any thread may call it at any time.
[[nodiscard]] Response get(const std::string& url, std::chrono::milliseconds timeout);

}  // namespace http
