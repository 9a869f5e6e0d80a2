#pragma once
// How much memory this process has mapped: what stacks take, and give back.

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>

// In places of the kernel's list, and in kilobytes.
struct Mapped {
  std::size_t places = 0, kilobytes = 0;
};
inline Mapped mapped() {
  Mapped sum;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line); ++sum.places) {
    char* end = nullptr;
    std::size_t from = std::strtoul(line.c_str(), &end, 16);
    sum.kilobytes += (std::strtoul(end + 1, nullptr, 16) - from) / 1024;
  }
  return sum;
}
