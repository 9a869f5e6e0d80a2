#pragma once
// Just enough of C++'s grammar to find the end of a declaration: a tokenizer that is not misled by
// braces in comments, strings, character literals and raw strings.

#include <cstddef>
#include <string_view>
#include <vector>

namespace text {

struct Token {
  std::string_view text;  // a word, a number, a whole literal, or one character of punctuation
  std::size_t line;       // where it begins, from 0
};

// The tokens of a C++ source, which must outlive them. Comments and preprocessor lines are left
// out. A literal that never ends reaches to the end of its line (a raw string: of the source).
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

// The last line of the declaration or statement that begins in line `first` (both from 0): the line
// of the brace that matches its first one, with a `;` behind it, or of the `;` that ends it before.
// Comments above it may be the first line. Throws Error if there is no such end.
[[nodiscard]] std::size_t last_line_of(std::string_view source, std::size_t first);

}  // namespace text
