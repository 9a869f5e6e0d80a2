#include "text/lines.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace text {

Lines split_lines(std::string_view content) {
  Lines lines;
  while (!content.empty()) {
    std::size_t end = content.find('\n');
    lines.emplace_back(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
  }
  return lines;
}

std::string join_lines(const Lines& lines) {
  std::string content;
  for (const std::string& line : lines) content += line + "\n";
  return content;
}

std::string read_file(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  // An empty file would make << fail, so the stream is asked, not the result.
  if (stream && stream.peek() != std::ifstream::traits_type::eof()) content << stream.rdbuf();
  if (!stream.is_open() || stream.bad())
    throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(), file.string());
  return std::move(content).str();
}

std::string_view right_trimmed(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  return right_trimmed(text);
}

std::size_t indentation(std::string_view line) {
  return std::min(line.size(), line.find_first_not_of(' '));
}

}  // namespace text
