#pragma once
// What the reader looks at: a terminal with a width and colours, or a pipe.

#include <string>
#include <string_view>

namespace course {

struct Style {
  std::size_t width = 80;  // columns
  bool utf8 = false;       // it can show block characters
  bool colour = false;

  // `text` in a colour or weight of the terminal ("1" bold, "2" dim, "36" cyan), or as it is.
  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const;
};

// Of standard output: as wide as the terminal, or in a pipe as COLUMNS says, or 80; no colour in a
// pipe, with NO_COLOR or on a terminal that does not obey escapes.
[[nodiscard]] Style style();

[[nodiscard]] bool on_terminal(int fd);
// A terminal that can be coloured and rewritten: TERM is set, and not to "dumb".
[[nodiscard]] bool obeys_escapes(int fd);

// Whether this byte goes on with a character of UTF-8 instead of beginning one.
[[nodiscard]] bool continues(char byte);
// How many columns a text takes. Characters of double width are not known here.
[[nodiscard]] std::size_t columns(std::string_view text);
// With blanks at its end, up to this width.
[[nodiscard]] std::string pad(std::string_view text, std::size_t width);

// Writes to standard output, all of it, at once. Throws Failure; OutputClosed if nobody reads it.
void print(std::string_view text);
// A line on standard error; what cannot be written there is lost.
void complain(std::string_view line);

// While it lives, standard output goes through a pager, if it is a terminal that obeys
// escapes: $GIT_PAGER, $PAGER or less. The end of the scope waits until the reader has left it.
class Pager {
 public:
  Pager();
  Pager(const Pager&) = delete;
  ~Pager();
  [[nodiscard]] bool shown() const { return pipe_ != nullptr; }

 private:
  void* pipe_ = nullptr;  // a FILE*
  int terminal_ = -1;
};

}  // namespace course
