#include "lines.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

namespace {

constexpr std::size_t width = 100;

// Does it fit into the line, from this column on? Letters that UTF-8 writes with several bytes are
// one column wide.
bool fits(std::size_t column, std::string_view text) {
  if (text.size() > 4 * width) return false;
  auto begins_letter = [](char c) { return (c & '\xc0') != '\x80'; };
  return column +
             static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_letter)) <=
         width;
}

// The places behind commas and opening parentheses, outside of literals, with how deep they are in.
struct Break {
  std::size_t at;      // of the next character that is printed
  std::size_t depth;   // of brackets around it
  std::size_t column;  // of what is lined up with it: behind its bracket
  bool first;          // behind the bracket itself
};

std::vector<Break> breaks(std::string_view text, std::size_t column) {
  std::vector<Break> result;
  std::vector<std::size_t> open;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quote != '\0') {
      if (c == '\\')
        ++i;
      else if (c == quote)
        quote = '\0';
    } else if (c == '"' ||
               (c == '\'' && (i == 0 || !std::isalnum(static_cast<unsigned char>(text[i - 1]))))) {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      open.push_back(column + i + 1);
      if (c == '(' && i + 1 < text.size() && text[i + 1] != ')')
        result.push_back({i + 1, open.size(), open.back(), true});
    } else if ((c == ')' || c == ']' || c == '}') && !open.empty()) {
      open.pop_back();
    } else if (c == ',' && i + 2 < text.size() && !open.empty()) {
      result.push_back({i + 2, open.size(), open.back(), false});
    }
  }
  return result;
}

std::string blanks(std::size_t count) { return std::string(count, ' '); }

std::string_view without_end_blanks(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Where a line that is too long is broken: where it is least deep in brackets, as late as possible;
// behind the bracket only if nothing else helps.
std::optional<Break> best_break(std::size_t column, std::string_view text) {
  std::optional<Break> best;
  for (const Break& one : breaks(text.substr(0, 4 * width), column)) {
    if (!fits(column, without_end_blanks(text.substr(0, one.at)))) break;
    std::size_t rest = one.first ? column + 4 : one.column;
    bool better = !best || (one.depth <= best->depth && !one.first);
    if (best && best->first && one.depth > best->depth)
      better = !fits(column + 4, text.substr(best->at)) && fits(rest, text.substr(one.at));
    if (better) best = one;
  }
  return best;
}

void wrap(std::size_t column, std::string_view text, std::vector<std::string>& out) {
  auto add = [&](std::string_view line) { out.push_back(blanks(column) + std::string(line)); };
  // What has a name of its own is broken behind the "=" first.
  std::size_t equals = text.find(" = ");
  if (!fits(column, text) && text.starts_with("using ") && equals != std::string_view::npos &&
      fits(column + 4, text.substr(equals + 3))) {
    add(text.substr(0, equals + 2));
    column += 4;
    text.remove_prefix(equals + 3);
  }
  while (!fits(column, text)) {
    std::optional<Break> place = best_break(column, text);
    if (!place) break;
    add(without_end_blanks(text.substr(0, place->at)));
    column = place->first ? column + 4 : place->column;
    text.remove_prefix(place->at);
  }
  add(text);
}

// "a, b, c" as "a,", "b,", "c".
std::vector<std::string> split(const std::string& words) {
  std::vector<std::string> result;
  std::size_t from = 0;
  for (std::size_t at = 0; (at = words.find(", ", from)) != std::string::npos; from = at + 2)
    result.push_back(words.substr(from, at + 1 - from));
  result.push_back(words.substr(from));
  return result;
}

}  // namespace

bool Lines::fits_in_line(std::size_t column, const std::string& code) { return fits(column, code); }

void Lines::add(std::size_t column, const std::string& code) {
  if (code.empty()) {
    lines_.emplace_back();
  } else if (code.find('\n') != std::string::npos) {
    lines_.push_back(blanks(column) + code);
  } else {
    wrap(column, code, lines_);
  }
}

void Lines::add_comment(const std::string& line) {
  std::string_view rest = line;
  while (!fits(3, rest)) {  // between words, if it can be
    std::size_t at = rest.rfind(' ', width - 3);
    if (at == std::string_view::npos || at == 0) break;
    lines_.push_back("// " + std::string(rest.substr(0, at)));
    rest.remove_prefix(at + 1);
  }
  lines_.push_back(line.empty() ? "//" : "// " + std::string(rest));
}

void Lines::add_function(std::size_t column, const std::string& head, const std::string& statement,
                         const std::string& behind) {
  std::string line = blanks(column) + head + " { " + statement + " }" + behind;
  if (fits(0, line)) {
    lines_.push_back(line);
    return;
  }
  std::size_t open = head.find('(') + 1;
  if (std::string rest = blanks(column + 4) + line.substr(column + open);
      !behind.empty() && fits(0, rest)) {
    lines_.push_back(blanks(column) + head.substr(0, open));
    lines_.push_back(rest);
    return;
  }
  add(column, head + " {");
  add(column + 2, statement);
  add(column, "}" + behind);
}

void Lines::add_constructor(std::size_t column, const std::string& head,
                            const std::vector<std::string>& initializers) {
  std::string list;
  for (const std::string& one : initializers) list += (list.empty() ? "" : ", ") + one;
  if (std::string line = blanks(column) + head + " : " + list + " {}"; fits(0, line)) {
    lines_.push_back(line);
    return;
  }
  add(column, head);
  if (std::string line = blanks(column + 4) + ": " + list + " {}"; fits(0, line)) {
    lines_.push_back(line);
    return;
  }
  for (std::size_t i = 0; i < initializers.size(); ++i)
    lines_.push_back(blanks(column + 4) + (i == 0 ? ": " : "  ") + initializers[i] +
                     (i + 1 == initializers.size() ? " {}" : ","));
}

void Lines::add_list(std::size_t column, const std::string& open, const std::string& words,
                     const std::string& close, const std::string& name) {
  if (std::string line = blanks(column) + open + words + close + name; fits(0, line)) {
    lines_.push_back(line);
    return;
  }
  std::string line = blanks(column) + open;
  for (const std::string& word : split(words + close)) {
    std::string more = line.ends_with(',') ? " " + word : word;
    if (!fits(0, line + more)) {
      lines_.push_back(line);
      line = blanks(column + open.size());
      more = word;
    }
    line += more;
  }
  lines_.push_back(line);
  lines_.push_back(blanks(column + 3) + name);
}

void Lines::add_enumeration(std::size_t column, const std::string& head, const std::string& words) {
  if (std::string line = blanks(column) + head + " { " + words + " };"; fits(0, line)) {
    lines_.push_back(line);
    return;
  }
  add(column, head + " {");
  for (const std::string& word : split(words)) add(column + 2, word);
  add(column, "};");
}

std::string Lines::text() const {
  std::string result;
  for (const std::string& line : lines_) result += (result.empty() ? "" : "\n") + line;
  return result;
}
