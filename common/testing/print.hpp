#pragma once
// How doctest shows values that it does not know, when a check fails.

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace doctest {

// {request-4, request-3}
template <class T>
struct StringMaker<std::vector<T>> {
  static String convert(const std::vector<T>& values) {
    String text = "{";
    for (std::size_t i = 0; i < values.size(); ++i)
      text += (i == 0 ? String("") : String(", ")) + toString(values[i]);
    return text + String("}");
  }
};

// 4, or "no value"
template <class T>
struct StringMaker<std::optional<T>> {
  static String convert(const std::optional<T>& value) {
    return value ? toString(*value) : String("no value");
  }
};

template <>
struct StringMaker<std::nullopt_t> {
  static String convert(std::nullopt_t) { return "no value"; }
};

}  // namespace doctest
