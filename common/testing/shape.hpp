#pragma once
// For shape.cpp: what a suite needs from the reader's headers, a line and a sentence each. The
// sentence is all that a reader sees where a need is not met.

#include <concepts>
#include <type_traits>
#include <utility>

namespace testing {

// A value of this type, for an expression that is never evaluated.
template <class T>
T&& a() noexcept;

}  // namespace testing

// NEEDS(Poll, it.wait(), std::vector<Token>, "Poll needs: std::vector<Token> wait()");
// `it` is an object of that type, T its name; a const type asks for a const member function. For a
// function that is no member, the type is that of an argument.
#define NEEDS(type, expression, result, sentence) \
  COURSE_NEED(COURSE_NEED_NAME(__LINE__), type, expression, result, sentence)
#define COURSE_NEED_NAME(line) COURSE_NEED_PASTE(line)
#define COURSE_NEED_PASTE(line) need_of_line_##line
// By a name of its own, since clang quotes what was asserted.
#define COURSE_NEED(name, type, expression, result, sentence) \
  constexpr bool name = []<class T>(std::type_identity<T>) {  \
    return requires(T it) {                                   \
      { expression } -> std::same_as<result>;                 \
    };                                                        \
  }(std::type_identity<type>());                              \
  static_assert(name, sentence)
