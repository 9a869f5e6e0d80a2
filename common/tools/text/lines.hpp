#pragma once
// What all parts of the text tool share: lines, and how a mistake of an author is reported.

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace text {

using Lines = std::vector<std::string>;

// Something that the author of a page has to put right. The message is one line without the place,
// which the caller knows.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The same with its place: `file` relative to the repository's root, `line` from 1.
struct Problem {
  std::string file;
  std::size_t line;
  std::string what;  // further lines (a short diff) are indented
};

// Splits at newlines; the newline at the end of the last line begins no further one.
[[nodiscard]] Lines split_lines(std::string_view content);
// The opposite: every line gets its newline.
[[nodiscard]] std::string join_lines(const Lines& lines);
// Throws std::system_error with the file's name if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

[[nodiscard]] std::string_view trimmed(
    std::string_view text);  // blanks and line breaks, both sides
[[nodiscard]] std::string_view right_trimmed(std::string_view text);  // at the end only
[[nodiscard]] std::size_t indentation(std::string_view line);  // how many spaces it begins with

}  // namespace text
