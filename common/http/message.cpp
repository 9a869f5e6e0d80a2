#include "http/message.hpp"

#include "http/wire.hpp"

namespace http {

std::optional<std::string_view> find_header(const std::vector<Header>& headers,
                                            std::string_view name) {
  for (const Header& header : headers)
    if (wire::equal_ignoring_case(header.name, name)) return header.value;
  return std::nullopt;
}

}  // namespace http
