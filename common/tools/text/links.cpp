#include "text/links.hpp"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <regex>
#include <sstream>

namespace text {
namespace {

namespace fs = std::filesystem;

// A character of UTF-8 at the beginning of the text, and its bytes; what is malformed is taken byte
// by byte.
struct Character {
  wint_t code;
  std::string_view bytes;
};
Character first_character(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::size_t length = byte(0) < 0xC0 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  if (length == 1 || length > text.size()) return {byte(0), text.substr(0, 1)};
  wint_t code = byte(0) & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3Fu);
  return {code, text.substr(0, length)};
}

void append_utf8(std::string& text, wint_t code) {
  auto add = [&](wint_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12));
    add(0x80 | ((code >> 6) & 0x3F));
  } else {
    add(0xF0 | (code >> 18));
    add(0x80 | ((code >> 12) & 0x3F));
    add(0x80 | ((code >> 6) & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

// The letters of all languages, whatever locale the tool runs in.
locale_t unicode() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
  return locale;
}
bool is_letter_or_digit(wint_t code) {
  return unicode() ? ::iswalnum_l(code, unicode()) : ::iswalnum(code);
}
wint_t to_lower(wint_t code) {
  return unicode() ? ::towlower_l(code, unicode()) : ::towlower(code);
}

// "What [epoll](x.md) <b>_is_</b>" as it reads: "What epoll is". Stars and backticks may stay,
// since no anchor has them, but in `code` underscores and angle brackets are what they are.
std::string rendered(std::string_view heading) {
  static const std::regex link("!?\\[([^\\]]*)\\]\\([^)]*\\)"), tag("<[^>]*>");
  static const std::regex emphasis("(^|[^A-Za-z0-9_])_([^_]+)_(?![A-Za-z0-9_])");
  std::istringstream pieces(std::regex_replace(std::string(heading), link, "$1"));
  std::string text;
  bool code = false;
  for (std::string piece; std::getline(pieces, piece, '`'); code = !code)
    text += code ? piece : std::regex_replace(std::regex_replace(piece, tag, ""), emphasis, "$1$2");
  return text;
}

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)); }

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool hex = text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    if (hex) {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// The targets in a line: [text](target "title"), [text](<target>), [label]: target, href="target".
Lines targets(const std::string& line) {
  static const std::regex patterns[] = {
      std::regex("\\]\\(\\s*(?:<([^>]*)>|([^\\s()]*(?:\\([^()\\s]*\\)[^\\s()]*)*))"),
      std::regex("^ {0,3}\\[[^\\]]+\\]:\\s+(?:<([^>]*)>|(\\S+))"),
      std::regex("<(?:a|img)\\s[^>]*(?:href|src)=\"(?:([^\"]*))\"")};
  Lines found;
  for (const std::regex& pattern : patterns)
    for (std::sregex_iterator match(line.begin(), line.end(), pattern), end; match != end;
         ++match) {
      bool second = match->size() > 2 && (*match)[2].matched;
      found.push_back((*match)[second ? 2 : 1]);
    }
  return found;
}

}  // namespace

std::string heading_slug(std::string_view heading) {
  std::string plain = rendered(trimmed(heading)), slug;
  for (std::string_view rest = plain; !rest.empty();) {
    Character next = first_character(rest);
    if (next.code == ' ')
      slug += '-';
    else if (next.code == '-' || next.code == '_' || is_letter_or_digit(next.code))
      append_utf8(slug, to_lower(next.code));
    rest.remove_prefix(next.bytes.size());
  }
  return slug;
}

std::set<std::string> anchors(const Page& page) {
  static const std::regex heading("^ {0,3}#{1,6}\\s+(.*?)(\\s+#+)?\\s*$");
  static const std::regex id("<[^>]*\\s(?:id|name)=\"([^\"]+)\"");
  std::set<std::string> found;
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    if (page.kinds[i] != Page::Kind::prose) continue;
    std::smatch match;
    if (std::regex_match(page.lines[i], match, heading)) {
      std::string slug = heading_slug(match[1].str());
      int before = seen[slug]++;
      found.insert(before == 0 ? slug : slug + "-" + std::to_string(before));
    }
    std::string line = without_code_spans(page.lines[i]);
    for (std::sregex_iterator next(line.begin(), line.end(), id), end; next != end; ++next)
      found.insert((*next)[1]);
  }
  return found;
}

std::vector<Problem> LinkChecker::check(const Page& page) {
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    if (page.kinds[i] != Page::Kind::prose) continue;
    for (const std::string& target : targets(without_code_spans(page.lines[i])))
      if (std::string what = mistake(page, target); !what.empty())
        problems.push_back({page.name, i + 1, "the link " + target + " " + what});
  }
  return problems;
}

std::string LinkChecker::mistake(const Page& page, const std::string& target) {
  static const std::regex elsewhere("^[a-zA-Z][a-zA-Z0-9+.-]*:.*");
  if (std::regex_match(target, elsewhere)) return "";
  if (target.empty()) return "is empty";
  if (target.starts_with('/')) return "works only on a server: make it relative to this page";
  std::size_t hash = std::min(target.size(), target.find('#'));
  fs::path page_file = root_ / page.name;
  fs::path file =
      hash == 0 ? page_file : page_file.parent_path() / percent_decoded(target.substr(0, hash));
  file = file.lexically_normal();
  fs::path relative = file.lexically_relative(root_);
  if (relative.empty() || *relative.begin() == "..") return "leads out of the repository";
  if (!fs::exists(file)) return "leads nowhere: there is no " + relative.string();
  if (hash == target.size() || file.extension() != ".md") return "";
  std::string anchor = percent_decoded(target.substr(hash + 1));
  if (!anchors_of(file).contains(anchor)) return "leads to no heading of " + relative.string();
  return "";
}

const std::set<std::string>& LinkChecker::anchors_of(const fs::path& file) {
  auto known = anchors_.find(file);
  if (known == anchors_.end())
    known = anchors_.emplace(file, anchors(parse_page(file.string(), read_file(file)))).first;
  return known->second;
}

std::vector<Problem> untidy_lines(const Page& page) {
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    if (page.kinds[i] == Page::Kind::generated) continue;
    const std::string& line = page.lines[i];
    if (line.find('\t') != std::string::npos)
      problems.push_back({page.name, i + 1, "a tab: use blanks"});
    if (right_trimmed(line).size() != line.size())
      problems.push_back({page.name, i + 1, "blanks at the end of the line"});
  }
  return problems;
}

}  // namespace text
