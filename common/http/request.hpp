#pragma once
// The request writer.

#include <string>
#include <string_view>

namespace http {

// A complete GET request, ready to be sent; it asks the server to close the connection after the
// answer. `path` begins with a slash and is sent as it is (see percent_encode); `host` is the
// server's name, with its port if that is not 80.
//
// Throws std::invalid_argument where a line end, a space or a control byte in either would make the
// server read something else than this one request.
[[nodiscard]] std::string get_request(std::string_view path, std::string_view host);

}  // namespace http
