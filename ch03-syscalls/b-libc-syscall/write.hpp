#pragma once
// write(2), through libc.

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <system_error>

// Writes everything, however often the kernel has to be asked. What goes wrong is thrown as
// std::system_error. That includes EAGAIN: whoever makes `fd` non-blocking does not want to wait.
inline void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t result = ::write(fd, bytes.data(), bytes.size());
    if (result == -1 && errno == EINTR) continue;  // a signal came first: nothing has happened yet
    if (result == 0) errno = EIO;  // nothing, and no reason: asking again could go on for ever
    if (result <= 0) throw std::system_error(errno, std::generic_category(), "write");
    bytes.remove_prefix(static_cast<std::size_t>(result));  // it may have been only a part
  }
}
