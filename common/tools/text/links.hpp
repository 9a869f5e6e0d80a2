#pragma once
// What a page must keep by itself: links that lead somewhere, and lines without tabs or trailing
// blanks.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "text/lines.hpp"
#include "text/page.hpp"

namespace text {

// The anchor that GitHub gives to a heading such as "What `epoll_wait` returns", without the number
// that tells headings of the same name apart. Input and output are UTF-8.
[[nodiscard]] std::string heading_slug(std::string_view heading);

// All anchors of a page: of its headings, and id="…" in HTML.
[[nodiscard]] std::set<std::string> anchors(const Page& page);

// Checks pages of one repository. Links to the web are left alone.
class LinkChecker {
 public:
  explicit LinkChecker(std::filesystem::path root) : root_(std::move(root)) {}
  [[nodiscard]] std::vector<Problem> check(const Page& page);

 private:
  // What is wrong with the link, or nothing.
  [[nodiscard]] std::string mistake(const Page& page, const std::string& target);
  [[nodiscard]] const std::set<std::string>& anchors_of(const std::filesystem::path& file);

  std::filesystem::path root_;
  std::map<std::filesystem::path, std::set<std::string>> anchors_;
};

// Tabs and trailing blanks, everywhere but in what the tool has written.
[[nodiscard]] std::vector<Problem> untidy_lines(const Page& page);

}  // namespace text
