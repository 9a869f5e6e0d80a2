#pragma once
// Which variable does a name mean, and which variables have to survive a wait?

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "options.hpp"
#include "reader.hpp"
#include "syntax.hpp"

// What each name in a coroutine means.
class Meanings {
 public:
  explicit Meanings(Range range) : first_(range.first), variables_(range.last - range.first) {}

  // The variable of the coroutine that this token names, if it does.
  [[nodiscard]] std::optional<std::size_t> of(std::size_t token) const {
    if (token < first_ || token - first_ >= variables_.size()) return std::nullopt;
    std::size_t found = variables_[token - first_];
    return found == 0 ? std::nullopt : std::optional<std::size_t>(found - 1);
  }
  void set(std::size_t token, std::size_t variable) { variables_[token - first_] = variable + 1; }

 private:
  std::size_t first_;
  std::vector<std::size_t> variables_;  // plus one; 0: none
};

// Finds out what the names mean; gives each variable of the coroutine its place and, where it is
// kept, a name for its member. Throws Refusal for what can't be kept, and for what is used behind
// the wait at which it ends.
[[nodiscard]] Meanings resolve(Coroutine& coroutine, const Reader& reader, const Options& options);

// Nothing happens when it begins or ends, or when it is copied.
[[nodiscard]] bool is_number_or_pointer(const Variable& variable, const Reader& reader);

// Belongs to the coroutine, and has no other use when it is passed on or returned.
[[nodiscard]] bool moves_from(const Variable& variable, const Reader& reader);

// Can the statement come to its end, so that what follows it is reached?
[[nodiscard]] bool completes(const Statement& statement, const Reader& reader);
