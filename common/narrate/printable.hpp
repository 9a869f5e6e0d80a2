#pragma once
// What a terminal can be trusted with.

#include <cstddef>
#include <string>
#include <string_view>

namespace narrate {

// The text for one line of a terminal, whoever sent it: '?' stands for each character that a
// terminal obeys instead of showing it, and for each byte that is not UTF-8. Such characters are
// control characters, separators of lines, and all that turns the direction of writing. Of more
// than `most` characters the first ones are taken, and `cut` shows it. A terminal without UTF-8
// gets ASCII only.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most,
                                    std::string_view cut = "...", bool utf8 = true);

// How many columns standard output has: as its terminal says, or in a pipe the variable COLUMNS, or
// else `otherwise`.
[[nodiscard]] std::size_t output_columns(std::size_t otherwise);

// The line in lines of at most `width` columns (a character is one), broken between words, with
// `indent` blanks in front of all but the first. Longer words stay whole.
[[nodiscard]] std::string wrapped(std::string_view line, std::size_t width, std::size_t indent);

}  // namespace narrate
