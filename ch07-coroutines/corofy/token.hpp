#pragma once
// The words of a C++ file. Comments and blank space are what lies between them, so nothing in a
// comment, a string or a longer name can be taken for a word of the language.

#include <cstddef>
#include <string_view>
#include <vector>

#include "refusal.hpp"

struct Token {
  enum class Kind {
    identifier,   // keywords, too
    number,       // with its suffix: 0x1p-3, 1'000, 5ms
    literal,      // a string or a character, with prefix and suffix; raw strings, too
    punctuation,  // operators as a whole, but ">>" is two tokens: it may close two templates
    directive,    // a preprocessor line as a whole, with those that continue it
    end           // after the last one; empty
  };

  Kind kind;
  std::string_view text;  // points into the source
  std::size_t offset;     // of its first byte
  Position at;

  [[nodiscard]] bool is(std::string_view word) const {
    return text == word && kind != Kind::literal && kind != Kind::directive;
  }
  [[nodiscard]] std::size_t end_offset() const { return offset + text.size(); }
};

// All tokens of the source, which has to outlive them; the last one is the end. Throws Refusal for
// a comment or a literal that does not end.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);
