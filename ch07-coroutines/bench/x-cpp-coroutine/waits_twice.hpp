#pragma once
// A function that waits twice. corofy makes waits_twice_corofied.hpp of it, which is compiled.

#include <string>

#include "countdown.hpp"
#include "future.hpp"

inline coroutine std::string waits_twice(long times_1, long times_2) {
  std::string first = wait countdown(times_1, "request");
  std::string second = wait countdown(times_2, first + "-b");
  return second;
}
