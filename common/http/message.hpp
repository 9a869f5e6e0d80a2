#pragma once
// What requests and responses have in common: headers, and how much a parser puts up with.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace http {

struct Header {
  std::string name;   // as it was sent: "Content-Type"
  std::string value;  // without the blanks around it
  bool operator==(const Header&) const = default;
};

// The value of the first header of that name, upper or lower case. The view is into `headers`.
[[nodiscard]] std::optional<std::string_view> find_header(const std::vector<Header>& headers,
                                                          std::string_view name);

// What is larger than this is an error, and is found before it is stored: nobody can make a parser
// hold more than about these sizes together.
struct Limits {
  std::size_t first_line = 8 * 1024;  // bytes, with the line's end
  // All headers, trailers and chunk extensions together, and interim responses as a whole.
  std::size_t header_bytes = 64 * 1024;
  std::size_t header_count = 100;             // headers and trailers together
  std::size_t body_bytes = 64 * 1024 * 1024;  // the body itself, without the framing of chunks
};

}  // namespace http
