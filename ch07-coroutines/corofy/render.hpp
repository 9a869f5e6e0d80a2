#pragma once
// Prints tokens of a coroutine as they were written, but for the names of what has become a member.

#include <map>
#include <string>
#include <string_view>

#include "names.hpp"
#include "reader.hpp"
#include "syntax.hpp"

class Renderer {
 public:
  Renderer(std::string_view source, const Reader& reader, const Coroutine& coroutine,
           const Meanings& meanings, const Options& options)
      : source_(source),
        reader_(reader),
        coroutine_(coroutine),
        meanings_(meanings),
        options_(options) {}

  // From now on, this stands for the token, or for all tokens of the range. Where it ends in "(" or
  // is empty, the blank space behind it goes, too.
  void replace(std::size_t token, std::string text) { replaced_[token] = {token + 1, text}; }
  void replace(Range range, std::string text) { replaced_[range.first] = {range.last, text}; }
  void insert_behind(std::size_t token, std::string text) { behind_[token] += text; }

  // As code of a step, to stand at this column. Lines of a statement keep their places to each
  // other.
  [[nodiscard]] std::string code(Range range, std::size_t column = 0) const {
    return print(range, false, column);
  }
  // In one line, as an expression whose type is asked for where no local variables are.
  [[nodiscard]] std::string unevaluated(Range range) const { return print(range, true, 0); }
  // In one line, as it was written.
  [[nodiscard]] std::string written(Range range) const;
  // The type of a variable, without the reference; of its value, also without a const of its own.
  [[nodiscard]] std::string type_of(const Variable& variable) const;
  [[nodiscard]] std::string value_type_of(const Variable& variable) const;

 private:
  struct Replacement {
    std::size_t last;
    std::string text;
  };

  [[nodiscard]] std::string print(Range range, bool unevaluated, std::size_t column) const;
  [[nodiscard]] std::string name_of(std::size_t token, bool unevaluated, bool& takes_dot) const;
  [[nodiscard]] bool deduces_arguments(const Variable& variable) const;
  [[nodiscard]] bool follows_blank(std::size_t token) const;

  std::string_view source_;
  const Reader& reader_;
  const Coroutine& coroutine_;
  const Meanings& meanings_;
  const Options& options_;
  std::map<std::size_t, Replacement> replaced_;
  std::map<std::size_t, std::string> behind_;
};
