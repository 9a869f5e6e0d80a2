// What the suite of ch03/b needs from your header.

#include <concepts>
#include <string_view>

#include "write.hpp"

namespace {

template <class Fd>
concept WritesAll = requires(Fd fd, std::string_view bytes) {
  { write_all(fd, bytes) } -> std::same_as<void>;
};

static_assert(WritesAll<int>, "write.hpp needs: void write_all(int fd, std::string_view bytes)");

}  // namespace
