// What the suite of ch03/a needs from your header.

#include <concepts>
#include <cstddef>
#include <string_view>

#include "write.hpp"

namespace {

template <class Fd>
concept WritesRaw = requires(Fd fd, const char* bytes, std::size_t size) {
  { raw_write(fd, bytes, size) } -> std::same_as<long>;
};
template <class Fd>
concept WritesAll = requires(Fd fd, std::string_view bytes) {
  { write_all(fd, bytes) } -> std::same_as<void>;
};

static_assert(WritesRaw<int>,
              "write.hpp needs: long raw_write(int fd, const char* bytes, std::size_t size)");
static_assert(WritesAll<int>, "write.hpp needs: void write_all(int fd, std::string_view bytes)");

}  // namespace
