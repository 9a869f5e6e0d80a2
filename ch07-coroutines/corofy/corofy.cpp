#include "corofy.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lower.hpp"
#include "parser.hpp"
#include "reader.hpp"
#include "simplify.hpp"
#include "token.hpp"

namespace {

// HelloWorld for hello_world, and something else if that is taken.
std::string class_name(const std::string& function, std::set<std::string, std::less<>>& taken,
                       std::map<std::string, int>& numbers) {
  std::string name;
  bool upper = true;
  for (char c : function) {
    if (c == '_') {
      upper = true;
    } else {
      name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      upper = false;
    }
  }
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front()))) name = "C" + name;
  if (taken.contains(name)) name += "Coroutine";
  std::string result = name;
  for (int& number = numbers.try_emplace(name, 1).first->second; !taken.insert(result).second;)
    result = name + std::to_string(++number);
  return result;
}

// An #include line, with its line end.
struct Include {
  std::size_t at;
  std::size_t end;
  std::string header;  // with its brackets or quotes

  [[nodiscard]] bool is_of_library() const {
    return header.front() == '<' && !header.ends_with(".h>");
  }
};

// # include <vector>, split into "include" and "<vector>"
std::pair<std::string_view, std::string_view> split_directive(std::string_view text) {
  std::size_t from = text.find_first_not_of(" \t", 1);
  if (from == std::string_view::npos) return {};
  std::size_t to = std::min(text.find_first_of(" \t<\"/", from), text.size());
  std::size_t rest = std::min(text.find_first_not_of(" \t", to), text.size());
  return {text.substr(from, to - from), text.substr(rest)};
}

// Those that are always compiled: not in an #if, but for the one that guards the whole header.
std::vector<Include> includes(std::string_view text, const std::vector<Token>& tokens) {
  std::vector<Include> found;
  int depth = 0;
  bool first = true;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != Token::Kind::directive) continue;
    auto [word, rest] = split_directive(tokens[i].text);
    bool guard = first && word == "ifndef" &&
                 split_directive(tokens[i + 1].text) == std::pair(std::string_view("define"), rest);
    if (word.starts_with("if") && !guard) ++depth;
    if (word == "endif") --depth;
    if (word == "include" && depth <= 0 && !rest.empty() && (rest[0] == '<' || rest[0] == '"')) {
      std::size_t close = rest.find(rest[0] == '<' ? '>' : '"', 1);
      if (close == std::string_view::npos) continue;
      std::size_t end = text.find('\n', tokens[i].end_offset());
      end = end == std::string_view::npos ? text.size() : end + 1;
      found.push_back({tokens[i].offset, end, std::string(rest.substr(0, close + 1))});
    }
    first = first && word == "pragma";
  }
  return found;
}

// What stands in the place of a part of the source.
struct Replacement {
  std::size_t from;
  std::size_t to;
  std::string text;
};

// The standard headers that the output needs beside those that the file includes itself: into the
// first block of the library's headers, in their order; else in front of all others.
Replacement more_includes(std::string_view source, const std::vector<Token>& tokens,
                          std::vector<std::string> wanted, const std::string& line_end) {
  const std::vector<Include> known = includes(source, tokens);
  std::erase_if(wanted, [&](const std::string& header) {
    return std::any_of(known.begin(), known.end(),
                       [&](const Include& one) { return one.header == header; });
  });
  Replacement result{0, 0, ""};
  if (wanted.empty()) return result;
  auto add = [&](const std::string& header) { result.text += "#include " + header + line_end; };

  auto one =
      std::find_if(known.begin(), known.end(), [](auto& line) { return line.is_of_library(); });
  if (one == known.end()) {
    std::for_each(wanted.begin(), wanted.end(), add);
    result.text += line_end;
    auto code = std::find_if(tokens.begin(), tokens.end(), [](const Token& token) {
      return token.kind != Token::Kind::directive;
    });
    result.from = result.to = known.empty() ? code->offset : known.front().at;
    return result;
  }
  result.from = result.to = one->at;
  auto next = wanted.begin();
  for (; one != known.end() && one->is_of_library() && one->at == result.to; ++one) {
    while (next != wanted.end() && *next < one->header) add(*next++);
    result.text += source.substr(one->at, one->end - one->at);  // with what else is on the line
    if (!result.text.ends_with('\n')) result.text += line_end;
    result.to = one->end;
  }
  std::for_each(next, wanted.end(), add);
  return result;
}

// What was made of a coroutine, with the line ends of its file.
std::string with_line_ends(const std::string& text, const std::string& line_end) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool carriage_return = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n')
      result += line_end;
    else if (!carriage_return)
      result += text[i];
  }
  return result;
}

}  // namespace

std::string corofy(std::string_view source, const std::string& name, const Options& options) {
  const std::vector<Token> tokens = tokenize(source);
  Reader reader(tokens);
  std::vector<Coroutine> coroutines = parse(reader);
  if (coroutines.empty()) return std::string(source);

  std::set<std::string, std::less<>> taken;
  for (const Token& token : tokens)
    if (token.kind == Token::Kind::identifier) taken.emplace(token.text);
  const std::size_t first_end = source.find('\n');
  const bool carriage_returns =
      first_end != std::string_view::npos && first_end > 0 && source[first_end - 1] == '\r';
  const std::string line_end = carriage_returns ? "\r\n" : "\n";

  std::map<std::string, int> numbers;  // of classes that would have the same name

  std::vector<Replacement> replaced;
  bool iterates = false;
  for (Coroutine& one : coroutines) {
    simplify(one.body);
    std::string lowered = lower(source, reader, one, class_name(one.name, taken, numbers), options);
    iterates = iterates || lowered.find("std::begin(") != std::string::npos;
    replaced.push_back({tokens[one.range.first].offset, tokens[one.range.last - 1].end_offset(),
                        with_line_ends(lowered, line_end)});
    one = {};
  }
  std::vector<std::string> wanted = {"<cstddef>",     "<optional>", "<stdexcept>",
                                     "<type_traits>", "<utility>",  "<variant>"};
  if (iterates) wanted.insert(wanted.begin() + 1, "<iterator>");
  Replacement included = more_includes(source, tokens, std::move(wanted), line_end);
  // There is none in a coroutine; it may be right in front of one.
  auto place = std::find_if(replaced.begin(), replaced.end(), [&](const Replacement& coroutine) {
    return coroutine.from >= included.from;
  });
  replaced.insert(place, std::move(included));

  std::string title = "// Made by corofy of " + name + ": change that file, and run corofy again.";
  std::replace_if(title.begin(), title.end(), [](char c) { return c == '\n' || c == '\r'; }, '?');
  std::size_t from = source.starts_with("\xef\xbb\xbf") ? 3 : 0;
  std::string result = std::string(source.substr(0, from)) + title + line_end + line_end;
  for (const Replacement& one : replaced) {
    if (one.from == one.to && one.text.empty()) continue;  // no more headers are needed
    result += source.substr(from, one.from - from);
    result += one.text;
    from = one.to;
  }
  result += source.substr(from);
  return result;
}
