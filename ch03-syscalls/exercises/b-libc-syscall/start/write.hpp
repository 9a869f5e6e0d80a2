#pragma once
// write(2), through libc.

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <system_error>

// Writes everything, however often the kernel has to be asked. What goes wrong is thrown as
// std::system_error, with "write" as the name of the call. That includes EAGAIN: whoever makes `fd`
// non-blocking does not want to wait; and a write that takes nothing and gives no reason is an EIO.
inline void write_all(int fd, std::string_view bytes) {
  // libc's function:  ssize_t ::write(int fd, const void* bytes, std::size_t size);
  (void)fd, (void)bytes;
  throw std::logic_error("write_all() is yours to write");
}
