#include "token.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Bytes above 127 belong to letters that UTF-8 writes with several bytes.
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool in_name(char c) { return begins_name(c) || is_digit(c); }

// The longest ones first.
constexpr std::array<std::string_view, 24> operators = {
    "<=>", "->*", "...", "<<=", "::", "->", "++", "--", "&&", "||", "<=", ">=",
    "==",  "!=",  "+=",  "-=",  "*=", "/=", "%=", "&=", "|=", "^=", "<<", ".*"};

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view source) : source_(source) {
    if (source_.starts_with("\xef\xbb\xbf")) offset_ = line_start_ = 3;  // a byte order mark
  }

  std::vector<Token> run() {
    while (skip_blank()) {
      if (looking_at("#") && !line_has_token_)
        take_directive();
      else
        take_word();
      line_has_token_ = true;
    }
    take(Token::Kind::end, offset_);
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return offset_ + ahead < source_.size() ? source_[offset_ + ahead] : '\0';
  }
  [[nodiscard]] bool looking_at(std::string_view text) const {
    return source_.substr(offset_, text.size()) == text;
  }
  // A backslash at the end of a line joins it with the next one: its length, or 0.
  [[nodiscard]] std::size_t joined_line(std::size_t at) const {
    if (at >= source_.size() || source_[at] != '\\') return 0;
    if (source_.substr(at + 1, 1) == "\n") return 2;
    return source_.substr(at + 1, 2) == "\r\n" ? 3 : 0;
  }
  [[nodiscard]] Position here() const {
    return {line_, static_cast<int>(offset_ - line_start_) + 1};
  }

  void advance_to(std::size_t end) {
    for (; offset_ < end; ++offset_) {
      if (source_[offset_] != '\n') continue;
      ++line_;
      line_start_ = offset_ + 1;
    }
  }
  void take(Token::Kind kind, std::size_t end) {
    tokens_.push_back({kind, source_.substr(offset_, end - offset_), offset_, here()});
    advance_to(end);
  }

  void take_directive() {
    std::size_t word = std::min(source_.find_first_not_of(" \t", offset_ + 1), source_.size());
    if (source_.substr(word, 2) == "if") ++conditions_;
    if (source_.substr(word, 5) == "endif") --conditions_;
    take(Token::Kind::directive, end_of_directive());
  }

  // Skips blank space and comments; false at the end of the source.
  bool skip_blank() {
    while (offset_ < source_.size()) {
      char c = source_[offset_];
      if (c == '\n') {
        line_has_token_ = false;
        advance_to(offset_ + 1);
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f') {
        advance_to(offset_ + 1);
      } else if (std::size_t joined = joined_line(offset_)) {
        advance_to(offset_ + joined);
      } else if (looking_at("//")) {
        advance_to(end_of_line(offset_));
      } else if (looking_at("/*")) {
        advance_to(end_of_comment(offset_));
      } else {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] std::size_t end_of_line(std::size_t at) const {
    while (at < source_.size() && source_[at] != '\n')
      at += std::max<std::size_t>(1, joined_line(at));
    return std::min(at, source_.size());
  }
  [[nodiscard]] std::size_t end_of_comment(std::size_t at) const {
    std::size_t end = source_.find("*/", at + 2);
    if (end == std::string_view::npos) throw Refusal(here(), "this comment does not end");
    return end + 2;
  }
  // A comment of several lines belongs to it.
  [[nodiscard]] std::size_t end_of_directive() const {
    std::size_t at = offset_;
    while (at < source_.size() && source_[at] != '\n') {
      if (source_.substr(at, 2) == "/*") {
        at = end_of_comment(at);
      } else if (source_.substr(at, 2) == "//") {
        return end_of_line(at);
      } else if (source_[at] == '"') {
        ++at;
        while (at < source_.size() && source_[at] != '"' && source_[at] != '\n')
          at += std::max<std::size_t>(source_[at] == '\\' ? 2 : 1, joined_line(at));
        if (at < source_.size() && source_[at] == '"') ++at;
      } else {
        at += std::max<std::size_t>(1, joined_line(at));
      }
    }
    at = std::min(at, source_.size());
    while (at > offset_ && source_[at - 1] == '\r') --at;
    return at;
  }

  void take_word() {
    char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      take(Token::Kind::number, end_of_number());
    } else if (begins_name(c)) {
      std::size_t end = end_of_name(offset_);
      std::string_view name = source_.substr(offset_, end - offset_);
      char next = end < source_.size() ? source_[end] : '\0';
      bool raw = next == '"' &&
                 (name == "R" || name == "LR" || name == "uR" || name == "UR" || name == "u8R");
      bool prefix = name == "L" || name == "u" || name == "U" || name == "u8";
      if (raw)
        take(Token::Kind::literal, end_of_name(end_of_raw_string(end)));
      else if (prefix && (next == '"' || next == '\''))
        take(Token::Kind::literal, end_of_name(end_of_literal(end)));
      else
        take(Token::Kind::identifier, end);
    } else if (c == '"' || c == '\'') {
      take(Token::Kind::literal, end_of_name(end_of_literal(offset_)));
    } else {
      for (std::string_view one : operators)
        if (looking_at(one)) return take(Token::Kind::punctuation, offset_ + one.size());
      take(Token::Kind::punctuation, offset_ + 1);
    }
  }

  [[nodiscard]] std::size_t end_of_name(std::size_t at) const {
    while (at < source_.size() && in_name(source_[at])) ++at;
    return at;
  }
  [[nodiscard]] std::size_t end_of_number() const {
    std::size_t at = offset_ + 1;
    while (at < source_.size()) {
      char before = source_[at - 1];
      bool exponent = before == 'e' || before == 'E' || before == 'p' || before == 'P';
      bool sign = (source_[at] == '+' || source_[at] == '-') && exponent;
      bool separator = source_[at] == '\'' && at + 1 < source_.size() && in_name(source_[at + 1]);
      if (!in_name(source_[at]) && source_[at] != '.' && !sign && !separator) break;
      ++at;
    }
    return at;
  }
  [[nodiscard]] std::size_t end_of_literal(std::size_t quote) const {
    std::size_t at = quote + 1;
    while (at < source_.size() && source_[at] != source_[quote] && source_[at] != '\n')
      at += std::max<std::size_t>(source_[at] == '\\' ? 2 : 1, joined_line(at));
    if (at >= source_.size() || source_[at] != source_[quote]) {
      // Where an #if may have switched it off, it may be plain English: it's.
      if (conditions_ > 0) return std::min(at, source_.size());
      throw Refusal(here(), source_[quote] == '"' ? "this string does not end on its line"
                                                  : "this character does not end on its line");
    }
    return at + 1;
  }
  // R"mark( … )mark"
  [[nodiscard]] std::size_t end_of_raw_string(std::size_t quote) const {
    std::size_t open = source_.find('(', quote);
    if (open != std::string_view::npos && open - quote <= 17) {
      std::string close = ")" + std::string(source_.substr(quote + 1, open - quote - 1)) + "\"";
      std::size_t end = source_.find(close, open);
      if (end != std::string_view::npos) return end + close.size();
    }
    throw Refusal(here(), "this raw string does not end");
  }

  std::string_view source_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  bool line_has_token_ = false;
  int conditions_ = 0;  // how many #if are open
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Tokenizer(source).run(); }
