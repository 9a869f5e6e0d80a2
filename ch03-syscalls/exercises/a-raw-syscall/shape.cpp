// What the suite of ch03/a needs from your header.

#include "testing/shape.hpp"

#include <string_view>

#include "write.hpp"

NEEDS(int, raw_write(it, "", std::size_t()), long,
      "write.hpp needs: long raw_write(int fd, const char* bytes, std::size_t size)");
NEEDS(int, write_all(it, std::string_view()), void,
      "write.hpp needs: void write_all(int fd, std::string_view bytes)");
