#include "reader.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace {

// The names that C++ has for itself, but for those of types, which are in parser.cpp.
constexpr std::array<std::string_view, 61> keywords = {"alignas",     "alignof",
                                                       "and",         "and_eq",
                                                       "asm",         "bitand",
                                                       "bitor",       "break",
                                                       "case",        "catch",
                                                       "class",       "co_await",
                                                       "co_return",   "co_yield",
                                                       "compl",       "concept",
                                                       "const",       "const_cast",
                                                       "consteval",   "constexpr",
                                                       "constinit",   "continue",
                                                       "coroutine",   "decltype",
                                                       "default",     "delete",
                                                       "do",          "dynamic_cast",
                                                       "else",        "enum",
                                                       "explicit",    "export",
                                                       "extern",      "false",
                                                       "for",         "friend",
                                                       "goto",        "if",
                                                       "namespace",   "new",
                                                       "noexcept",    "not",
                                                       "nullptr",     "operator",
                                                       "or",          "reinterpret_cast",
                                                       "requires",    "return",
                                                       "sizeof",      "static_assert",
                                                       "static_cast", "struct",
                                                       "switch",      "template",
                                                       "this",        "throw",
                                                       "true",        "try",
                                                       "using",       "wait",
                                                       "while"};

}  // namespace

// All pairs at once. What does not fit is left alone: it may stand in a branch of an #if.
Reader::Reader(const std::vector<Token>& tokens)
    : tokens_(tokens), behind_(tokens.size()), behind_angles_(tokens.size()) {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (opens(i)) open.push_back(i);
    if (!closes(i) || open.empty()) continue;
    std::string_view opening = token(open.back()).text;
    if (!is(i, opening == "(" ? ")" : opening == "[" ? "]" : "}")) {
      if (unclosed_ == 0) unclosed_ = open.back();
      continue;
    }
    behind_[open.back()] = i + 1;
    open.pop_back();
  }
}

bool Reader::is_free_name(std::size_t at) const {
  return is_name(at) &&
         std::find(keywords.begin(), keywords.end(), token(at).text) == keywords.end();
}

bool Reader::stands_alone(std::size_t at) const {
  if (at > 0 && qualifies(at - 1)) return false;
  return !is(at + 1, "::");
}

std::size_t Reader::behind_bracket(std::size_t at) const {
  if (behind_[at] == 0) {
    const Token& unclosed = token(std::max(at, unclosed_));
    throw Refusal(unclosed.at, "this " + std::string(unclosed.text) + " is never closed");
  }
  return behind_[at];
}

// What is found out about those on the way is kept, so that no token is looked at again and again.
std::size_t Reader::behind_angles(std::size_t at) const {
  if (!is(at, "<")) return at;
  if (behind_angles_[at] != 0) return behind_angles_[at];
  std::vector<std::size_t> open;
  for (std::size_t i = at; token(i).kind != Token::Kind::end;) {
    if (is(i, "(") || is(i, "[")) {
      i = behind_bracket(i);
      continue;
    }
    bool reference = is(i, "&&") && (is(i + 1, ">") || is(i + 1, ",") || is(i + 1, "..."));
    if (closes(i) || is(i, "{") || is(i, ";") || is(i, "||") || (is(i, "&&") && !reference)) break;
    if (is(i, "<")) open.push_back(i);
    if (is(i, ">")) {
      behind_angles_[open.back()] = i + 1;
      open.pop_back();
      if (open.empty()) return i + 1;
    }
    ++i;
  }
  for (std::size_t one : open) behind_angles_[one] = one;  // operators
  return at;
}

std::size_t Reader::behind_arguments(std::size_t at) const {
  if (at == 0 || !is_free_name(at - 1)) {
    bool cast = at > 0 && token(at - 1).text.ends_with("_cast");
    if (!cast) return at;
  }
  std::size_t behind = behind_angles(at);
  return is(behind, "(") || is(behind, "{") || is(behind, "::") ? behind : at;
}

std::size_t Reader::find(Range range, std::string_view word) const {
  for (std::size_t i = range.first; i < range.last;) {
    if (is(i, word)) return i;
    if (opens(i)) {
      i = behind_bracket(i);
    } else if (std::size_t behind = behind_arguments(i); behind != i) {
      i = behind;
    } else {
      ++i;
    }
  }
  return range.last;
}
