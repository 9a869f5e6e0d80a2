#pragma once
// How to measure something that takes nanoseconds: do it many times, and divide; do that several
// times, and take the median.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ratio>
#include <vector>

using Nanoseconds = std::chrono::duration<double, std::nano>;

// How long one call of `action` takes, on average over `times` of them. The loop and the call
// itself belong to it: nothing is subtracted, because nobody can do the work without them either.
template <class Action>
Nanoseconds time_of_one(int times, Action action) {
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i != times; ++i) action();
  return Nanoseconds(std::chrono::steady_clock::now() - start) / times;
}

// The value in the middle: half of the others are smaller, half are larger. One round in which the
// machine did something else makes no difference to it, as it would to the mean. `values` must not
// be empty.
template <class Value>
Value median(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
