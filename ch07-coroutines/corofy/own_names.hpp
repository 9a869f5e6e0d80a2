#pragma once
// The names that the class has for itself, and that its coroutine must not hide.

#include <cstddef>
#include <string>
#include <string_view>

#include "options.hpp"
#include "reader.hpp"
#include "syntax.hpp"

// One that stays as it is: state_, Wait1, each_1_, end_1_.
[[nodiscard]] bool is_own_name(std::string_view name);

class OwnNames {
 public:
  // Others where the coroutine has names like these. Throws Refusal for those that can't change.
  OwnNames(const Coroutine& coroutine, const Reader& reader, const Options& options);

  std::string states = "State";
  std::string resume = "resume";
  std::string finish = "finish";
  std::string resolve = "resolve";
  std::string ready = "ready";
  std::string test = "test";
  std::string made = "Made";
  std::string start = "Start";
  std::string resolved = "Resolved";

  [[nodiscard]] std::string state(std::size_t wait) const {
    return states + "::wait_" + std::to_string(wait + 1);
  }
  [[nodiscard]] std::string nothing_is_waited_for() const {
    return "state_.emplace<" + states + "::resolved>();";
  }
};
