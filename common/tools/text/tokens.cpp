#include "text/tokens.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "text/lines.hpp"

namespace text {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

class Scanner {
 public:
  explicit Scanner(std::string_view source) : source_(source) {}

  std::vector<Token> tokens() {
    while (at_ < source_.size()) step();
    return std::move(tokens_);
  }

 private:
  // The character at some distance; '\0' behind the end.
  [[nodiscard]] char peek(std::size_t distance = 0) const {
    return at_ + distance < source_.size() ? source_[at_ + distance] : '\0';
  }
  [[nodiscard]] bool starts_with(std::string_view text) const {
    return source_.substr(at_).starts_with(text);
  }

  void advance() {
    if (source_[at_] == '\n') {
      ++line_;
      blank_so_far_ = true;
    }
    ++at_;
  }
  void advance_to(std::size_t position) {
    while (at_ < std::min(position, source_.size())) advance();
  }
  void advance_past(std::string_view text) {
    std::size_t found = source_.find(text, at_);
    advance_to(found == std::string_view::npos ? found : found + text.size());
  }

  // To the newline that ends the line, unless a backslash before it joins the next one.
  void skip_line(bool comments_inside) {
    while (at_ < source_.size() && peek() != '\n') {
      if (starts_with("\\\n"))
        at_ += 2, ++line_;
      else if (comments_inside && starts_with("/*"))
        skip_block_comment();
      else if (comments_inside && starts_with("//"))
        comments_inside = false;
      else
        ++at_;
    }
  }
  void skip_block_comment() {
    at_ += 2;
    advance_past("*/");
  }

  void step() {
    char c = peek();
    if (std::isspace(static_cast<unsigned char>(c))) return advance();
    if (starts_with("//")) return skip_line(false);
    if (starts_with("/*")) return skip_block_comment();
    if (c == '#' && blank_so_far_) return skip_line(true);
    blank_so_far_ = false;

    std::size_t begin = at_, line = line_;
    if (is_digit(c) || (c == '.' && is_digit(peek(1))))
      number();
    else if (is_word(c))
      word();
    else if (c == '"' || c == '\'')
      literal(c);
    else
      ++at_;
    tokens_.push_back({source_.substr(begin, at_ - begin), line});
  }

  // 1'000'000 is one token: its quotes open no character literal.
  void number() {
    while (is_word(peek()) || peek() == '.' || (peek() == '\'' && is_word(peek(1)))) ++at_;
  }

  void word() {
    std::size_t begin = at_;
    while (is_word(peek())) ++at_;
    std::string_view prefix = source_.substr(begin, at_ - begin);
    if (peek() == '"' &&
        (prefix == "R" || prefix == "LR" || prefix == "uR" || prefix == "UR" || prefix == "u8R"))
      raw_string();
  }

  void raw_string() {  // R"delimiter( … )delimiter"
    std::size_t open = source_.find('(', at_);
    if (open == std::string_view::npos) return advance_to(open);
    std::string close = ")" + std::string(source_.substr(at_ + 1, open - at_ - 1)) + "\"";
    advance_to(open);
    advance_past(close);
  }

  void literal(char quote) {
    ++at_;
    while (at_ < source_.size() && peek() != quote && peek() != '\n') {
      if (peek() == '\\' && at_ + 1 < source_.size()) advance();
      advance();
    }
    if (peek() == quote) ++at_;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
  bool blank_so_far_ = true;  // this line has had no token yet: a # begins a preprocessor line
  std::vector<Token> tokens_;
};

bool opens(std::string_view text) { return text == "(" || text == "[" || text == "{"; }
bool closes(std::string_view text) { return text == ")" || text == "]" || text == "}"; }

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Scanner(source).tokens(); }

std::size_t last_line_of(std::string_view source, std::size_t first) {
  std::vector<Token> tokens = tokenize(source);
  auto token = std::find_if(tokens.begin(), tokens.end(),
                            [&](const Token& candidate) { return candidate.line >= first; });
  int depth = 0;
  for (; token != tokens.end(); ++token) {
    if (opens(token->text)) ++depth;
    if (closes(token->text) && --depth < 0) break;
    if (depth > 0) continue;
    if (token->text == ";") return token->line;
    if (token->text == "}") {
      // What goes on in the same line still belongs to it: "} else {", "} while (…);", "} name;",
      // and "}, b_{2} {" in a constructor's list.
      auto next = token + 1;
      if (next == tokens.end() || next->line != token->line || closes(next->text))
        return token->line;
    }
  }
  throw Error("no statement or declaration begins and ends there: say where it ends with to \"…\"");
}

}  // namespace text
