#include "course/explain.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include "course/exercise.hpp"
#include "narrate/printable.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

bool is_word(char byte) { return std::isalnum(static_cast<unsigned char>(byte)) || byte == '_'; }

struct Spot {
  std::string file;
  std::size_t line;
};

// "FILE:LINE…" at the beginning of `text`.
std::optional<Spot> spot_at(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::size_t end = colon + 1, line = 0;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])))
    line = line * 10 + static_cast<std::size_t>(text[end++] - '0');
  if (end == colon + 1) return std::nullopt;
  return Spot{std::string(text.substr(0, colon)), line};
}

// The first place in the reader's folder that this line names.
std::optional<Spot> spot_in(const std::string& line, const fs::path& folder) {
  std::size_t at = line.find(folder.string() + "/");
  return at == std::string::npos ? std::nullopt : spot_at(std::string_view(line).substr(at));
}

constexpr std::string_view static_assertion = "static assertion failed";

// The message of an error, or nothing if this line is none.
std::optional<std::string> error_in(const std::string& line) {
  for (std::string_view mark : {" error: ", " fatal error: "})
    if (std::size_t at = line.find(mark); at != std::string::npos)
      return line.substr(at + mark.size());
  if (std::size_t at = line.find("undefined reference to "); at != std::string::npos)
    return line.substr(at) + ": declared, and called, but written nowhere";
  if (line.find("multiple definition of ") != std::string::npos)
    return line.substr(line.find("multiple definition of "));
  return std::nullopt;
}

std::string line_of_file(const Spot& spot) {
  std::ifstream file(spot.file);
  std::string line;
  for (std::size_t i = 0; i < spot.line; ++i)
    if (!std::getline(file, line)) return "";
  return line == "#pragma once" ? "" : trimmed(line);
}

std::string show(const Spot& spot, const fs::path& root) {
  fs::path inside = fs::path(spot.file).lexically_relative(root);
  bool below = !inside.empty() && *inside.begin() != "..";
  return (below ? inside.string() : spot.file) + ":" + std::to_string(spot.line);
}

bool is_code(const std::string& line) {
  std::string text = trimmed(line);
  return !text.empty() && !text.starts_with("#") && !text.starts_with("//");
}

// The brace in the reader's folder of which the compiler says, at the end of all files, that it is
// still open.
std::optional<Spot> open_brace(const std::vector<std::string>& lines, const fs::path& folder) {
  for (const std::string& line : lines)
    if (line.find("note: to match this '{'") != std::string::npos)
      if (auto spot = spot_in(line, folder)) return spot;
  return std::nullopt;
}

// The end of the reader's last header in front of `spot`, which is in a file of ours, if there is
// no code in between: what is not finished there is noticed here.
std::optional<Spot> end_of_header(const Spot& spot, const fs::path& folder) {
  std::vector<std::string> lines = lines_of(content_of(spot.file));
  constexpr std::string_view include = "#include \"";
  for (std::size_t i = std::min(spot.line, lines.size() + 1) - 1; i-- > 0;) {
    if (is_code(lines[i])) return std::nullopt;
    if (!lines[i].starts_with(include)) continue;
    fs::path file = folder / lines[i].substr(include.size(), lines[i].rfind('"') - include.size());
    if (!fs::is_regular_file(file)) continue;
    std::vector<std::string> header = lines_of(content_of(file));
    while (!header.empty() && trimmed(header.back()).empty()) header.pop_back();
    return Spot{file, std::max<std::size_t>(header.size(), 1)};
  }
  return std::nullopt;
}

// Functions that the sentence names, in their order: "Poll needs: void add(int)" has add.
std::vector<std::string> functions_in(const std::string& sentence) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = sentence.find('(', at)) != std::string::npos; ++at) {
    std::size_t begin = at;
    while (begin > 0 && is_word(sentence[begin - 1])) --begin;
    if (begin < at) names.push_back(sentence.substr(begin, at - begin));
  }
  return names;
}

// The first line of code in these files where `wanted` stands as a whole word, followed by `next`.
std::optional<Spot> find_word(const fs::path& folder, const std::vector<std::string>& files,
                              const std::string& wanted, std::string_view next) {
  for (const std::string& name : files) {
    std::vector<std::string> lines = lines_of(content_of(folder / name));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string code = lines[i].substr(0, lines[i].find("//"));
      std::size_t at = code.find(wanted);
      if (at == std::string::npos || (at > 0 && (is_word(code[at - 1]) || code[at - 1] == '.')))
        continue;
      std::string_view behind = std::string_view(code).substr(at + wanted.size());
      if (behind.starts_with(next) && (behind.empty() || !is_word(behind.front())))
        return Spot{folder / name, i + 1};
    }
  }
  return std::nullopt;
}

std::optional<Spot> second_main(const fs::path& folder) {
  std::vector<std::string> files = source_files(folder);
  std::erase(files, "main.cpp");
  return find_word(folder, files, "main", "(");
}

// Where the reader should look for what this sentence is about. The compiler's `notes` tell which
// of several functions it is.
std::optional<Spot> subject(const std::string& sentence, const std::string& notes,
                            const fs::path& folder) {
  std::vector<std::string> functions = functions_in(sentence);
  // "Poll needs: …", "poll.hpp needs: using Token = …"
  std::string first = sentence.substr(0, sentence.find_first_of(" :"));
  bool names_file = fs::is_regular_file(folder / first);
  std::vector<std::string> files =
      names_file ? std::vector<std::string>{first} : source_files(folder);
  for (bool in_notes : {true, false})
    for (const std::string& name : functions)
      if ((notes.find(name + "(") != std::string::npos) == in_notes)
        if (auto spot = find_word(folder, files, name, "(")) return spot;
  std::string type = first;
  constexpr std::string_view alias = "using ";
  if (std::size_t at = sentence.find(alias); at != std::string::npos)
    type = sentence.substr(at + alias.size(),
                           sentence.find(' ', at + alias.size()) - at - alias.size());
  for (const char* keyword : {"class ", "struct ", "using "})
    if (auto spot = find_word(folder, files, keyword + type, "")) return spot;
  if (names_file) return Spot{folder / first, 1};  // it is not there yet: this is where it belongs
  return std::nullopt;
}

}  // namespace

CompileError first_error(const std::string& said, const fs::path& root, const fs::path& folder) {
  std::vector<std::string> lines = lines_of(said);
  CompileError found;
  auto first = lines.end();
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    if (!error_in(*line)) continue;
    if (first == lines.end())
      first = line;
    else
      ++found.more;
  }
  if (said.find("multiple definition of `main'") != std::string::npos ||
      said.find("multiple definition of 'main'") != std::string::npos ||
      said.find("duplicate symbol: main\n") != std::string::npos)
    if (auto second = second_main(folder))
      return {show(*second, root), "a second main(): the program's is in main.cpp",
              line_of_file(*second)};
  if (first == lines.end()) {  // neither a compiler nor a linker that we know
    for (const std::string& line : lines)
      if (found.text.empty()) found.text = trimmed(line);
    return found;
  }

  found.text = *error_in(*first);
  // Its own place; what led there, which stands in front; or what it goes on to explain.
  std::optional<Spot> spot = spot_in(*first, folder);
  if (auto brace = open_brace(lines, folder);
      brace && (!spot || spot->file != brace->file || found.text.starts_with("expected '}'"))) {
    spot = brace;
    found.text = "a { that is never closed: this one, or one inside it";
  }
  for (auto line = lines.begin(); !spot && line != first; ++line) spot = spot_in(*line, folder);
  for (auto line = first + 1; !spot && line != lines.end() && !error_in(*line); ++line)
    spot = spot_in(*line, folder);
  if (!spot) spot = spot_at(*first);
  if (!spot) return found;
  if (auto end = end_of_header(*spot, folder); end && found.text.starts_with("expected ")) {
    if (spot->file.starts_with(folder.string() + "/")) {
      found.text += ", or a ; at the end of " + show(*end, root);
    } else {
      spot = end;
      found.text += ": seen behind the end of this file, so something in it is not finished";
    }
  }
  found.place = show(*spot, root);
  found.source = line_of_file(*spot);
  return found;
}

std::vector<CompileError> broken_promises(const std::string& said, const fs::path& root,
                                          const fs::path& folder) {
  std::vector<std::string> lines = lines_of(said);
  std::vector<CompileError> broken;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::optional<std::string> text = error_in(lines[i]);
    if (!text) continue;
    if (!text->starts_with(static_assertion)) return {};
    // clang says "… due to requirement 'X': SENTENCE", where X can have colons, too.
    std::size_t at = text->find("': ");
    if (at == std::string::npos || text->find("due to requirement") == std::string::npos)
      at = text->find(": ");
    else
      ++at;
    if (at == std::string::npos) return {};
    CompileError promise;
    promise.text = text->substr(at + 2);
    std::string notes;
    for (std::size_t j = i + 1; j < lines.size() && !error_in(lines[j]); ++j)
      if (lines[j].find("note: ") != std::string::npos) notes += lines[j] + "\n";
    if (auto spot = subject(promise.text, notes, folder)) {
      promise.place = show(*spot, root);
      promise.source = line_of_file(*spot);
    }
    broken.push_back(promise);
  }
  return broken;
}

namespace {

std::string printable(std::string text, std::size_t most) {
  std::replace(text.begin(), text.end(), '\t', ' ');
  return narrate::printable(text, most);
}

// How sanitizers call what they find, and what it is. The first mark that fits counts.
constexpr std::array<std::array<std::string_view, 2>, 16> kinds{{
    {"heap-use-after-free", "uses memory that is gone"},
    {"stack-use-after-", "uses a local variable that is gone"},
    {"stack-overflow", "needs more stack than there is: does it call itself without end?"},
    {"-buffer-", "uses memory outside of a buffer or an object"},
    {"double-free", "frees memory twice"},
    {"free on address", "frees what was not allocated"},
    {"mismatch", "frees memory in another way than it was allocated"},
    {"detected memory leaks", "never frees memory that it allocated"},
    {"rss limit exhausted", "takes more and more memory"},
    {"data race", "uses memory from two threads at once, and one of them writes"},
    {"misaligned", "uses a pointer that is not aligned as its type demands"},
    {"not a valid value for type", "reads a value that its type does not have: was it ever set?"},
    {"null pointer", "follows a null pointer"},
    {"signed integer overflow", "counts further than an int reaches"},
    {"out of bounds", "uses an index that is out of bounds"},
    {"SEGV", "follows a pointer that points nowhere"},
}};

}  // namespace

std::optional<CompileError> sanitizer_finding(const std::string& report, const fs::path& root,
                                              const fs::path& folder) {
  std::vector<std::string> lines = lines_of(report);
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    std::size_t at = std::string::npos;
    for (std::string_view mark :
         {"ERROR: AddressSanitizer: ", "ERROR: LeakSanitizer: ", "WARNING: ThreadSanitizer: ",
          ": runtime error: ", "Sanitizer: hard "})
      if (at == std::string::npos && (at = line->find(mark)) != std::string::npos)
        at += mark.size();
    if (at == std::string::npos) continue;
    std::string words = printable(line->substr(at), 200);
    CompileError found;
    for (const auto& [mark, meaning] : kinds)
      if (found.text.empty() && words.find(mark) != std::string::npos) found.text = meaning;
    bool undefined = line->find(": runtime error: ") != std::string::npos;
    if (found.text.empty()) found.text = "does what has no meaning in C++";
    if (line + 1 != lines.end() && found.text.starts_with("uses ")) {
      if (line[1].starts_with("READ ")) found.text.replace(0, 4, "reads");
      if (line[1].starts_with("WRITE ")) found.text.replace(0, 4, "writes");
    }
    found.text +=
        " (" +
        (undefined ? words : words.substr(0, std::min(words.find(" on "), words.find(" (pid")))) +
        ")";
    // Where it happened; else what led there.
    std::optional<Spot> spot;
    for (auto one = line; one != lines.end() && !spot; ++one) spot = spot_in(*one, folder);
    if (spot) {
      found.place = show(*spot, root);
      found.source = printable(line_of_file(*spot), 200);
    }
    return found;
  }
  return std::nullopt;
}

namespace {

// "CHECK( a == b ) is NOT correct!" and "CHECK( 1 == 2 )": what stands in the parentheses.
std::string inside_of(const std::string& check) {
  std::size_t begin = check.find("( "), end = check.rfind(" )");
  if (begin == std::string::npos || end == std::string::npos || end < begin + 2) return check;
  return check.substr(begin + 2, end - begin - 2);
}

// What doctest says of a check that failed: where, and what. Whatever the reader's code prints,
// even a line with "ERROR: " in it, is no such line.
struct FailedCheck {
  Spot spot;
  std::string text;
};
std::optional<FailedCheck> failed_check(const std::string& line, const fs::path& root) {
  for (std::string_view mark : {": ERROR: ", ": FATAL ERROR: "}) {
    std::size_t end = line.find(mark);
    if (end == std::string::npos) continue;
    std::size_t colon = line.find_last_not_of("0123456789", end - 1);
    if (end == 0 || colon == std::string::npos || colon + 1 == end || line[colon] != ':') continue;
    std::string file = line.substr(0, colon);
    if (!file.ends_with(".cpp") && !file.ends_with(".hpp")) continue;
    // It may have printed something on the same line before.
    std::size_t begin = file.rfind(root.string() + "/");
    if (begin != std::string::npos) file.erase(0, begin);
    std::size_t number = 0;
    for (std::size_t i = colon + 1; i < end; ++i)
      number = number * 10 + static_cast<std::size_t>(line[i] - '0');
    return FailedCheck{{file, number}, line.substr(end + mark.size())};
  }
  return std::nullopt;
}

}  // namespace

std::string first_failed_check(const std::string& output, const fs::path& root,
                               const std::string& indent) {
  constexpr std::size_t most_columns = 300, most_lines = 10;
  std::vector<std::string> lines = lines_of(output);
  auto line = std::find_if(lines.begin(), lines.end(), [&](const std::string& one) {
    return failed_check(one, root) && one.find("CRASHED") == std::string::npos;
  });
  if (line == lines.end()) return "";

  auto [spot, text] = *failed_check(*line, root);
  std::string said;
  auto add = [&](const std::string& words) {
    said += indent + printable(words, most_columns) + "\n";
  };
  add(show(spot, root));
  constexpr std::string_view threw = "test case THREW exception: ";
  if (text.starts_with(threw))
    add("an exception that it did not expect: " + text.substr(threw.size()));
  else if (text.ends_with(" is NOT correct!"))
    add(inside_of(text));
  else
    add(text);

  std::size_t count = 0;
  for (++line; line != lines.end() && !trimmed(*line).empty() && count < most_lines;
       ++line, ++count) {
    if (failed_check(*line, root)) break;
    std::string rest = trimmed(*line);
    if (!rest.starts_with("values: ")) {
      add(rest);
      continue;
    }
    std::string values = inside_of(rest);
    std::size_t equal = values.find(" == ");
    if (equal == std::string::npos || values.find(" == ", equal + 1) != std::string::npos) {
      add("seen:     " + values);
    } else {
      // doctest writes no quotes, and of an empty string nothing at all.
      auto side = [](const std::string& value) { return value.empty() ? "\"\"" : value; };
      add("seen:     " + side(values.substr(0, equal)));
      add("expected: " + side(values.substr(equal + 4)));
    }
  }
  return said;
}

std::string last_lines(const std::string& output, const std::string& indent) {
  std::vector<std::string> lines = lines_of(output);
  std::erase_if(lines, [](const std::string& line) { return trimmed(line).empty(); });
  std::string last;
  for (std::size_t i = lines.size() - std::min<std::size_t>(lines.size(), 3); i < lines.size(); ++i)
    last += indent + printable(lines[i], 100) + "\n";
  return last;
}

std::string wrap(const std::string& text, const std::string& indent, const Style& style) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? indent : " ") + word;
  if (line.empty()) return line;
  return narrate::wrapped(line, std::min<std::size_t>(style.width, 100), indent.size()) + "\n";
}

std::string entry(const std::string& command, const std::string& what, const Style& style) {
  std::string words = command.size() < 29 ? pad(command, 29) : command;
  if (columns(words) + 3 + columns(what) <= style.width)
    return "  " + style.paint("1", words) + " " + what + "\n";
  return "  " + style.paint("1", command) + "\n" + wrap(what, "      ", style);
}

std::string explained(const std::string& said, const Map& map, const Stage& stage,
                      const Style& style) {
  fs::path own = map.root() / own_folder(stage);
  std::vector<CompileError> errors = broken_promises(said, map.root(), own);
  bool sentences = !errors.empty();
  if (!sentences) errors.push_back(first_error(said, map.root(), own));

  const char* what = sentences ? " lacks what its suite needs:" : " does not compile:";
  std::string text = style.paint("31", stage.short_name() + what) + "\n";
  for (const CompileError& error : errors) {
    text += "\n";
    if (!error.place.empty()) text += "  " + style.paint("1", error.place) + "\n";
    text += wrap(printable(error.text, 500), "  ", style);
    if (!error.source.empty())
      text += "      " + style.paint("2", printable(error.source, 200)) + "\n";
  }
  if (std::size_t more = errors.front().more; !sentences && more > 0)
    text += "\n  and " + std::to_string(more) + " more error" + (more == 1 ? "" : "s") +
            ", which may go away with it\n";
  return text;
}

}  // namespace course
