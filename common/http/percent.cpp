#include "http/percent.hpp"

namespace http {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

// 0 to 15, or -1.
int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Not std::isalnum: that one asks the locale.
bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i != text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    int high = digit_value(text[i + 1]), low = digit_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return bytes;
}

std::string percent_encode(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    if (is_unreserved(c)) {
      text += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      text += '%';
      text += digits[byte / 16];
      text += digits[byte % 16];
    }
  }
  return text;
}

}  // namespace http
