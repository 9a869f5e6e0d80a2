#include "text/page.hpp"

#include <algorithm>
#include <optional>
#include <regex>

namespace text {
namespace {

// A run of at least three backticks or tildes.
struct Fence {
  char character;
  std::size_t length;
  std::size_t line;  // where it opened, from 1
};

// Fences also stand in list items and quotations; which, doesn't matter here.
std::string_view without_container(std::string_view line) {
  return line.substr(std::min(line.size(), line.find_first_not_of(" >")));
}

std::size_t run_length(std::string_view line, char character) {
  return std::min(line.size(), line.find_first_not_of(character));
}

std::optional<Fence> opening_fence(std::string_view line, std::size_t number) {
  line = without_container(line);
  for (char character : {'`', '~'}) {
    std::size_t length = run_length(line, character);
    bool inline_code = character == '`' && line.find('`', length) != std::string_view::npos;
    if (length >= 3 && !inline_code) return Fence{character, length, number};
  }
  return std::nullopt;
}

bool closes(const Fence& fence, std::string_view line) {
  line = without_container(line);
  std::size_t length = run_length(line, fence.character);
  return length >= fence.length && trimmed(line.substr(length)).empty();
}

class Parser {
 public:
  Parser(std::string name, std::string_view content) {
    page_.name = std::move(name);
    page_.lines = split_lines(content);
    page_.kinds.assign(page_.lines.size(), Page::Kind::prose);
  }

  Page parse() {
    for (at_ = 0; at_ < page_.lines.size(); ++at_) line();
    if (fence_) problem(fence_->line, "this fence is never closed");
    if (open_) problem(open_->line, "this marker has no <!-- end -->");
    return std::move(page_);
  }

 private:
  void problem(std::size_t line, const std::string& what) {
    page_.problems.push_back({page_.name, line, what});
  }

  void line() {
    const std::string& line = page_.lines[at_];
    std::size_t indent = indentation(line);
    if (fence_) {
      page_.kinds[at_] = Page::Kind::code;
      if (closes(*fence_, line)) fence_.reset();
    } else if ((fence_ = opening_fence(line, at_ + 1))) {
      page_.kinds[at_] = Page::Kind::code;
      if (open_ && ++fences_in_block_ > 1)
        problem(at_ + 1, "only one fenced block stands between a marker and its <!-- end -->");
    } else if (indent <= 3 && std::string_view(line).substr(indent).starts_with("<!--")) {
      comment(indent);
    } else {
      prose(line);
    }
  }

  void prose(const std::string& line) {
    static const std::regex hidden_marker("<!--\\s*(excerpt|diff|run|end)\\b");
    if (std::regex_search(without_code_spans(line), hidden_marker))
      problem(at_ + 1, "a marker begins its line, indented by at most three blanks");
    else if (open_ && !trimmed(line).empty())
      problem(at_ + 1,
              "update would overwrite this line: it stands between a marker and its "
              "<!-- end -->");
  }

  // A comment may go over several lines. What follows it in its last line would be taken for HTML.
  void comment(std::size_t indent) {
    std::size_t first = at_;
    std::string text = page_.lines[at_].substr(indent + 4);
    page_.kinds[at_] = Page::Kind::comment;
    while (text.find("-->") == std::string::npos) {
      if (++at_ == page_.lines.size()) return problem(first + 1, "this comment is never closed");
      page_.kinds[at_] = Page::Kind::comment;
      text += "\n" + page_.lines[at_];
    }
    std::size_t end = text.find("-->");
    std::string inner = text.substr(0, end);
    bool alone = trimmed(text.substr(end + 3)).empty();

    std::optional<Marker> marker;
    try {
      marker = parse_marker(inner);
    } catch (const Error& error) {
      problem(first + 1, error.what());
      marker.emplace();  // keeps its <!-- end --> from being a second mistake
      broken_ = true;
    }
    if (trimmed(inner) == "end") {
      end_block(first, alone);
    } else if (marker) {
      begin_block(std::move(*marker), first, indent, alone);
    } else if (open_) {
      problem(first + 1, "update would overwrite this comment");
    }
  }

  void begin_block(Marker marker, std::size_t line, std::size_t indent, bool alone) {
    if (open_)
      problem(line + 1, "this marker stands inside the one of line " + std::to_string(open_->line) +
                            ": its <!-- end --> is missing");
    if (!alone) problem(line + 1, "nothing may follow a marker in its line");
    open_ = Block{std::move(marker), line + 1, at_ + 1, at_ + 1, std::string(indent, ' ')};
    fences_in_block_ = 0;
  }

  void end_block(std::size_t line, bool alone) {
    if (!alone) problem(line + 1, "nothing may follow a marker in its line");
    if (!open_) return problem(line + 1, "this <!-- end --> has no marker before it");
    open_->last = line;
    std::fill(page_.kinds.begin() + static_cast<std::ptrdiff_t>(open_->first),
              page_.kinds.begin() + static_cast<std::ptrdiff_t>(open_->last),
              Page::Kind::generated);
    if (!broken_) page_.blocks.push_back(std::move(*open_));
    open_.reset();
    broken_ = false;
  }

  Page page_;
  std::size_t at_ = 0;
  std::optional<Fence> fence_;
  std::optional<Block> open_;
  std::size_t fences_in_block_ = 0;
  bool broken_ = false;  // the open marker has a mistake: its block can't be written
};

}  // namespace

Page parse_page(std::string name, std::string_view content) {
  return Parser(std::move(name), content).parse();
}

Lines fenced(const Lines& content, const std::string& language, const std::string& indent) {
  std::size_t longest = 2;
  for (const std::string& line : content)
    for (std::size_t i = 0; (i = line.find('`', i)) != std::string::npos;) {
      std::size_t length = run_length(std::string_view(line).substr(i), '`');
      longest = std::max(longest, length);
      i += length;
    }
  std::string fence(longest + 1, '`');
  Lines lines{indent + fence + language};
  for (const std::string& line : content) lines.push_back(line.empty() ? line : indent + line);
  lines.push_back(indent + fence);
  return lines;
}

std::string without_code_spans(std::string_view line) {
  std::string rest;
  while (!line.empty()) {
    std::size_t ticks = run_length(line, '`');
    if (ticks == 0) {
      rest += line.front();
      line.remove_prefix(1);
      continue;
    }
    // A span ends at the next run of exactly as many backticks; without one they are plain text.
    std::size_t close = ticks;
    while (close < line.size()) {
      close = line.find('`', close);
      if (close == std::string_view::npos) break;
      std::size_t length = run_length(line.substr(close), '`');
      if (length == ticks) break;
      close += length;
    }
    rest += ' ';
    line.remove_prefix(close < line.size() ? close + ticks : ticks);
  }
  return rest;
}

}  // namespace text
