#pragma once
// A page of Markdown, as far as the tool must understand it: what is a fenced block, what is a
// comment, and where the marked blocks stand.

#include <string>
#include <vector>

#include "text/lines.hpp"
#include "text/marker.hpp"

namespace text {

// A marker and the lines between it and its <!-- end -->: indices into Page::lines, last excluded.
struct Block {
  Marker marker;
  std::size_t line;  // of the marker, from 1
  std::size_t first, last;
  std::string indent;  // the marker's; in a list the block stands in the item
};

struct Page {
  enum class Kind { prose, code, comment, generated };

  std::string name;  // relative to the root
  Lines lines;
  std::vector<Kind> kinds;  // a line each
  std::vector<Block> blocks;
  std::vector<Problem> problems;  // markers with a mistake, fences and comments that never end
};

// Never throws for what stands in the page: mistakes become problems.
[[nodiscard]] Page parse_page(std::string name, std::string_view content);

// What stands between the marker and its end: the content in a fence that is longer than any in it.
[[nodiscard]] Lines fenced(const Lines& content, const std::string& language,
                           const std::string& indent);

// The line without its `code spans`: a blank stands for each.
[[nodiscard]] std::string without_code_spans(std::string_view line);

}  // namespace text
