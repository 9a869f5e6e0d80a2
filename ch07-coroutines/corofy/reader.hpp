#pragma once
// Small questions about a row of tokens, which several parts of the parser ask.

#include <cstddef>
#include <string_view>
#include <vector>

#include "syntax.hpp"

class Reader {
 public:
  explicit Reader(const std::vector<Token>& tokens);

  [[nodiscard]] const Token& token(std::size_t at) const {
    return tokens_[at < tokens_.size() ? at : tokens_.size() - 1];
  }
  [[nodiscard]] bool is(std::size_t at, std::string_view word) const { return token(at).is(word); }
  [[nodiscard]] bool is_name(std::size_t at) const {
    return token(at).kind == Token::Kind::identifier;
  }
  // A name that a program can give, so no keyword.
  [[nodiscard]] bool is_free_name(std::size_t at) const;
  // A name that stands alone: not x.name, x->name, X::name or name::x.
  [[nodiscard]] bool stands_alone(std::size_t at) const;

  // Of x.name, x->name, X::name: what is in between.
  [[nodiscard]] bool qualifies(std::size_t at) const {
    return is(at, ".") || is(at, "->") || is(at, "::");
  }

  // The token behind the bracket that closes the one at `at`. Throws Refusal if there is none.
  [[nodiscard]] std::size_t behind_bracket(std::size_t at) const;
  [[nodiscard]] bool is_closed(std::size_t bracket) const { return behind_[bracket] != 0; }
  // The token behind the template arguments that open with the "<" at `at`; `at` itself if it must
  // be an operator.
  [[nodiscard]] std::size_t behind_angles(std::size_t at) const;
  // … where an expression goes on behind them as it does behind a template: f<int>(x), T<int>{}.
  [[nodiscard]] std::size_t behind_arguments(std::size_t at) const;
  // The first token in the range that is one of these and stands in no brackets; else range.last.
  [[nodiscard]] std::size_t find(Range range, std::string_view word) const;

  [[nodiscard]] bool opens(std::size_t at) const {
    return is(at, "(") || is(at, "[") || is(at, "{");
  }
  [[nodiscard]] bool closes(std::size_t at) const {
    return is(at, ")") || is(at, "]") || is(at, "}");
  }

 private:
  const std::vector<Token>& tokens_;
  // Of an opening bracket: the token behind its closing one, or 0.
  std::vector<std::size_t> behind_;
  // Of a "<", as behind_angles() says; 0: not known yet.
  mutable std::vector<std::size_t> behind_angles_;
  std::size_t unclosed_ = 0;  // the first bracket that another one is closed in
};
