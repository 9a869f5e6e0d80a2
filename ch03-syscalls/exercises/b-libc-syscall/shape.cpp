// What the suite of ch03/b needs from your header.

#include "testing/shape.hpp"

#include <string_view>

#include "write.hpp"

NEEDS(int, write_all(it, std::string_view()), void,
      "write.hpp needs: void write_all(int fd, std::string_view bytes)");
