#include "narrate/printable.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace narrate {
namespace {

struct Character {
  char32_t code;
  std::size_t size;  // in bytes
};

// The one that a text begins with. What is no UTF-8 is a control character of one byte: also a form
// that is longer than necessary, in which a control character could hide.
Character first(std::string_view text) {
  constexpr Character wrong{0, 1};
  auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  if (byte(0) < 0xC0 || byte(0) > 0xF4) return wrong;
  std::size_t size = byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  if (text.size() < size) return wrong;
  char32_t code = byte(0) & (0x7Fu >> size);
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return wrong;
    code = code << 6 | (byte(at) & 0x3Fu);
  }
  constexpr char32_t least[] = {0x80, 0x800, 0x10000};
  bool half_of_a_pair = code >= 0xD800 && code <= 0xDFFF;
  if (code < least[size - 2] || half_of_a_pair || code > 0x10FFFF) return wrong;
  return {code, size};
}

bool is_obeyed(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) ||  // U+009B begins what ESC [ begins
         (code >= 0x2028 && code <= 0x2029) ||            // separators of lines and paragraphs
         // Bidi_Control: marks, embeddings, overrides, isolates.
         code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, std::size_t most, std::string_view cut, bool utf8) {
  std::string shown;
  for (; !text.empty(); --most) {
    if (most == 0) return shown.append(cut);
    auto [code, size] = first(text);
    shown += is_obeyed(code) || (code >= 0x80 && !utf8) ? "?" : text.substr(0, size);
    text.remove_prefix(size);
  }
  return shown;
}

std::size_t output_columns(std::size_t otherwise) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* said = std::getenv("COLUMNS");
  int columns = said == nullptr ? 0 : std::atoi(said);
  return columns >= 20 && columns <= 1000 ? static_cast<std::size_t>(columns) : otherwise;
}

std::string wrapped(std::string_view line, std::size_t width, std::size_t indent) {
  std::string lines;
  std::size_t column = 0;
  while (true) {
    std::size_t end = line.find(' ', line.find_first_not_of(' '));
    std::string_view word = line.substr(0, end);  // with the blanks in front of it
    auto columns = static_cast<std::size_t>(
        std::count_if(word.begin(), word.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
    if (column > indent && column + columns > width) {
      std::size_t blanks = std::min(word.size(), word.find_first_not_of(' '));
      word.remove_prefix(blanks);
      lines.append("\n").append(indent, ' ');
      column = indent + columns - blanks;
    } else {
      column += columns;
    }
    lines += word;
    if (end == std::string_view::npos) return lines;
    line.remove_prefix(end);
  }
}

}  // namespace narrate
