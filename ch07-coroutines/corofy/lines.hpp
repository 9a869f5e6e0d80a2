#pragma once
// The output, line by line, no wider than the course's formatter allows (100 columns, Google's
// style), and broken as it would break it.

#include <cstddef>
#include <string>
#include <vector>

class Lines {
 public:
  [[nodiscard]] static bool fits_in_line(std::size_t column, const std::string& code);

  // A statement, or another piece of code, at this column. If it has several lines, the others
  // stand where they should already.
  void add(std::size_t column, const std::string& code);
  // A line of a comment, without the slashes.
  void add_comment(const std::string& line);
  // In one line, if it fits. `behind` is the end of the call that a lambda is passed to.
  void add_function(std::size_t column, const std::string& head, const std::string& statement,
                    const std::string& behind = "");
  void add_constructor(std::size_t column, const std::string& head,
                       const std::vector<std::string>& initializers);
  // A member whose type has many arguments, separated by commas.
  void add_list(std::size_t column, const std::string& open, const std::string& words,
                const std::string& close, const std::string& name);
  void add_enumeration(std::size_t column, const std::string& head, const std::string& words);

  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> lines_;
};
