#pragma once
// write(2), through libc.

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <system_error>

// Writes everything, however often the kernel has to be asked. What goes wrong is thrown as
// std::system_error. That includes EAGAIN: whoever makes `fd` non-blocking does not want to wait.
inline void write_all(int fd, std::string_view bytes) {
  if (bytes.empty()) return;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  ssize_t result;
  do result = ::writev(fd, &part, 1);
  while (result == -1 && errno == EINTR);
  if (result == 0) errno = EIO;
  if (result <= 0) throw std::system_error(errno, std::generic_category(), "write");
  write_all(fd, bytes.substr(static_cast<std::size_t>(result)));
}
