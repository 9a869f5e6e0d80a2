#pragma once
// Why a file is not rewritten, and where.

#include <stdexcept>
#include <string>

// A place in the file, as compilers count: lines and bytes of a line, from one.
struct Position {
  int line = 1;
  int column = 1;
};

// what() is the reason, a sentence without the place.
class Refusal : public std::runtime_error {
 public:
  Refusal(Position at, const std::string& reason) : std::runtime_error(reason), at_(at) {}
  [[nodiscard]] Position at() const noexcept { return at_; }

 private:
  Position at_;
};
