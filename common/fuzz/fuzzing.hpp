#pragma once
// What the fuzz targets share: the shape of their inputs, and how the bytes are cut.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace fuzzing {

// An input is a byte of options, a byte that says how to cut, and the message. '@' has no options,
// 'A' the first, 'B' the second, 'C' both: so seeds can be written by hand.
struct Input {
  bool first_option = false;
  bool small_limits = false;
  std::string_view bytes;
  std::vector<std::string_view> pieces;  // the same bytes

  Input(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return;
    first_option = (data[0] & 1) != 0;
    small_limits = (data[0] & 2) != 0;
    bytes = {reinterpret_cast<const char*>(data) + 2, size - 2};
    // A small generator of random numbers; 0 cuts everywhere.
    unsigned state = data[1];
    for (std::string_view rest = bytes; !rest.empty();) {
      state = state == 0 ? 0 : (state * 171u + 57u) % 30269u;
      pieces.push_back(rest.substr(0, 1 + state % 24));
      rest.remove_prefix(pieces.back().size());
    }
  }

  // Small ones let short inputs meet every limit.
  [[nodiscard]] http::Limits limits() const {
    return small_limits ? http::Limits{32, 48, 2, 16} : http::Limits{};
  }
};

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "this does not hold: %s\n", what);
  std::abort();
}

inline void expect_within(const http::Limits& limits, const std::vector<http::Header>& headers) {
  std::size_t bytes = 0;
  for (const http::Header& header : headers) bytes += header.name.size() + header.value.size();
  expect(headers.size() <= limits.header_count, "there are no more headers than the limit allows");
  expect(bytes <= limits.header_bytes, "the headers are no larger than the limit allows");
}

inline std::string describe(const std::vector<http::Header>& headers) {
  std::string text;
  for (const http::Header& header : headers) text += header.name + ": " + header.value + "\n";
  return text;
}

}  // namespace fuzzing
