#pragma once
// Turns what a compiler or a suite said into what a reader wants to know: where, what, and how much
// more there is.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "course/map.hpp"
#include "course/terminal.hpp"

namespace course {

// What a compiler or a linker found first.
struct CompileError {
  std::string place;     // "mine/ch04-epoll-queue/a-epoll/poll.hpp:34", or empty if it names none
  std::string text;      // "expected ';' before '}' token"
  std::string source;    // that line of the file, without blanks around it; may be empty
  std::size_t more = 0;  // errors after it
};

// `said` is the output of g++ or clang in English. Errors that the compiler sees elsewhere, in a
// template or in the suite, are placed where the reader's `folder` took part, if it can be told: a
// brace that is missing in a header is noticed in the file that includes it.
[[nodiscard]] CompileError first_error(const std::string& said, const std::filesystem::path& root,
                                       const std::filesystem::path& folder);

// The static assertions that failed, as sentences. The place is that of the function or the type
// that the sentence is about. Empty if something else is in the way: then ask first_error().
[[nodiscard]] std::vector<CompileError> broken_promises(const std::string& said,
                                                        const std::filesystem::path& root,
                                                        const std::filesystem::path& folder);

// What the first of these sanitizer reports is about: `text` goes on after "it": "reads memory that
// is gone (heap-use-after-free)". The place is the reader's own, or empty. Nothing if there is no
// report that we know.
[[nodiscard]] std::optional<CompileError> sanitizer_finding(const std::string& report,
                                                            const std::filesystem::path& root,
                                                            const std::filesystem::path& folder);

// Either of them in lines for the terminal, under a heading that names the stage.
[[nodiscard]] std::string explained(const std::string& said, const Map& map, const Stage& stage,
                                    const Style& style);

// What doctest said about the first check of a case that failed, in a few lines: place and
// expression, what was seen, what was expected. Every line ends with a newline and begins with
// `indent`. Empty if there is nothing. Bytes that could move the cursor are shown as '?'.
[[nodiscard]] std::string first_failed_check(const std::string& output,
                                             const std::filesystem::path& root,
                                             const std::string& indent);

// The last lines of an output, of which none is empty, as above.
[[nodiscard]] std::string last_lines(const std::string& output, const std::string& indent);

// A text in lines that fit the terminal (and are at most 100 columns), each with `indent` in front
// and a newline behind. Longer words stay whole.
[[nodiscard]] std::string wrap(const std::string& text, const std::string& indent,
                               const Style& style);
// A command and what it is for: in two columns, or, where they do not fit, below each other.
[[nodiscard]] std::string entry(const std::string& command, const std::string& what,
                                const Style& style);

}  // namespace course
