#pragma once
// A look at memory.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include "narrate/narrate.hpp"

// A value that is worth a remark where it is found.
struct Known {
  std::uintptr_t value;
  const char* what;
};

// Prints what is at `from` and above it, up to the end of the block, eight bytes a line. The
// highest address comes first, as in the pictures of a stack, and each line has its bytes in the
// order in which they are in memory.
inline void show(std::span<const std::byte> block, const void* from, std::span<const Known> known) {
  auto begin = reinterpret_cast<std::uintptr_t>(block.data());
  std::uintptr_t end = begin + block.size();
  std::uintptr_t lowest = reinterpret_cast<std::uintptr_t>(from) / 8 * 8;
  for (std::uintptr_t address = (end - 8) / 8 * 8; address >= lowest; address -= 8) {
    std::array<unsigned char, 8> bytes;
    std::memcpy(bytes.data(), reinterpret_cast<const void*>(address), bytes.size());
    std::uintptr_t word;
    std::memcpy(&word, bytes.data(), sizeof word);

    std::array<char, 40> place;
    std::snprintf(place.data(), place.size(), "%#14zx  end - %-5zu", address, end - address);
    std::string line = place.data();
    for (unsigned char byte : bytes) {
      std::array<char, 4> hex;
      std::snprintf(hex.data(), hex.size(), " %02x", byte);
      line += hex.data();
    }
    if (word >= begin && word < end) line += "   end - " + std::to_string(end - word);
    for (const Known& one : known)
      if (one.value == word) line.append("   ").append(one.what);
    narrate::print(line);
  }
}
