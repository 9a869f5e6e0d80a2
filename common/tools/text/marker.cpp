#include "text/marker.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

namespace text {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)); }

// Takes a marker apart into words and "quoted texts".
class Words {
 public:
  explicit Words(std::string_view rest) : rest_(trimmed(rest)) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::string word(const char* what) {
    if (rest_.empty()) throw Error(std::string("the marker ends where ") + what + " should stand");
    auto end = std::find_if(rest_.begin(), rest_.end(), is_space);
    std::string word(rest_.begin(), end);
    skip(word.size());
    return word;
  }

  // Takes the word if it comes next.
  bool accept(std::string_view word) {
    if (!rest_.starts_with(word) || (rest_.size() > word.size() && !is_space(rest_[word.size()])))
      return false;
    skip(word.size());
    return true;
  }

  // Inside the quotes \" and \\ stand for " and \. Another \ stands for itself, so that regular
  // expressions read as usual.
  std::string quoted(const std::string& after) {
    if (!rest_.starts_with('"')) throw Error("after " + after + " stands a text in \"…\"");
    std::string text;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        if (text.empty()) throw Error("the text after " + after + " is empty");
        skip(i + 1);
        return text;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\'))
        ++i;
      text += rest_[i];
    }
    throw Error("the text after " + after + " has no closing quote");
  }

  void expect_end() {
    if (!rest_.empty())
      throw Error("do not understand \"" + std::string(rest_.substr(0, rest_.find('\n'))) + "\"");
  }

 private:
  void skip(std::size_t count) { rest_ = trimmed(rest_.substr(count)); }

  std::string_view rest_;
};

void parse_from_to(Words& words, Marker& marker) {
  if (words.accept("from")) marker.from = words.quoted("from");
  if (words.accept("to")) marker.to = words.quoted("to");
}

void parse_excerpt(Words words, Marker& marker) {
  marker.file = words.word("a file");
  parse_from_to(words, marker);
  if (marker.to && !marker.from) throw Error("to \"…\" needs a from \"…\" before it");
  words.expect_end();
}

void parse_diff(Words words, Marker& marker) {
  marker.stage = words.word("a stage");
  if (words.accept("--stat")) return words.expect_end();
  marker.file = words.word("a file of the stage, or --stat,");
  if (words.accept("at")) {
    marker.at = words.quoted("at");
  } else {
    parse_from_to(words, marker);
    if (marker.from.has_value() != marker.to.has_value())
      throw Error("in a diff, from \"…\" and to \"…\" come together");
  }
  words.expect_end();
}

int exit_status(const std::string& word) {
  bool number = word.size() <= 3 && std::all_of(word.begin(), word.end(),
                                                [](unsigned char c) { return std::isdigit(c); });
  if (!number) throw Error("exit " + word + " is no exit status");
  return std::stoi(word);
}

// A command ends with its line, or before the first word that only a marker uses: varies,
// any-order, from and to before a quote, exit before a number. What stands in quotes of the shell,
// and an exit that follows another command of it, belongs to the command.
std::size_t command_end(std::string_view line) {
  static const std::regex attribute(
      "(?:varies|any-order)(?=\\s|$)|(?:from|to)\\s+\"|exit\\s+[0-9]+(?=\\s|$)");
  char quote = '\0', before = '\0';  // the last character that is no blank
  for (std::size_t i = 0; i < line.size(); ++i) {
    bool word_begins =
        !quote && i > 0 && is_space(line[i - 1]) && before != ';' && before != '&' && before != '|';
    if (word_begins && std::regex_search(line.begin() + i, line.end(), attribute,
                                         std::regex_constants::match_continuous))
      return i;
    if (line[i] == '\\' && quote != '\'')
      ++i;
    else if (quote ? line[i] == quote : line[i] == '"' || line[i] == '\'')
      quote = quote ? '\0' : line[i];
    if (i < line.size() && !is_space(line[i])) before = line[i];
  }
  return line.size();
}

void parse_run(std::string_view rest, Marker& marker) {
  std::size_t end = command_end(rest.substr(0, rest.find('\n')));
  marker.command = trimmed(rest.substr(0, end));
  if (marker.command.empty()) throw Error("run needs a command in the same line");
  Words words(rest.substr(end));
  while (!words.empty()) {
    if (words.accept("varies")) {
      marker.varies.push_back(words.quoted("varies"));
      try {
        std::regex check(marker.varies.back());
      } catch (const std::regex_error&) {
        throw Error("varies \"" + marker.varies.back() + "\" is no regular expression");
      }
    } else if (words.accept("exit")) {
      marker.exit = exit_status(words.word("the exit status"));
    } else if (words.accept("any-order")) {
      marker.any_order = true;
    } else if (words.accept("from")) {
      marker.from = words.quoted("from");
    } else if (words.accept("to")) {
      marker.to = words.quoted("to");
    } else {
      words.expect_end();  // throws: this word we do not know
    }
  }
}

std::string in_one_line(std::string_view text) {
  std::string line;
  for (char c : text)
    if (!is_space(c))
      line += c;
    else if (!line.ends_with(' '))
      line += ' ';
  return line;
}

}  // namespace

std::optional<Marker> parse_marker(std::string_view comment) {
  comment = trimmed(comment);
  std::size_t end = std::min(comment.size(), comment.find_first_of(" \t\n"));
  std::string_view verb = comment.substr(0, end), rest = comment.substr(end);
  Marker marker;
  marker.text = in_one_line(comment);
  if (verb == "excerpt") {
    marker.kind = Marker::Kind::excerpt;
    parse_excerpt(Words(rest), marker);
  } else if (verb == "diff") {
    marker.kind = Marker::Kind::diff;
    parse_diff(Words(rest), marker);
  } else if (verb == "run") {
    marker.kind = Marker::Kind::run;
    parse_run(rest, marker);
  } else {
    return std::nullopt;
  }
  return marker;
}

}  // namespace text
