#pragma once
// write(2), with nothing between us and the kernel.

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <system_error>

// Asks the kernel to write bytes to a file descriptor. Returns how many it took, which may be fewer
// than we offered, or else minus the number of an error: -EBADF, -EINTR, …
//
//                        x86-64           64-bit Arm
//   the instruction      syscall          svc #0
//   the number of write  1, in rax        64, in x8
//   the arguments        rdi, rsi, rdx    x0, x1, x2
//   the result           rax              x0
//   also overwritten     rcx, r11         nothing (but see SVE in the text)
//
// You need only the CPU that you have.
inline long raw_write(int fd, const char* bytes, std::size_t size) {
  // asm volatile("the instruction" : the result : what goes in : what is lost);
  (void)fd, (void)bytes, (void)size;
  throw std::logic_error("raw_write() is yours to write");
}

// Writes everything, however often the kernel has to be asked. What goes wrong is thrown as
// std::system_error, with "write" as the name of the call. That includes EAGAIN: whoever makes `fd`
// non-blocking does not want to wait; and a write that takes nothing and gives no reason is an EIO.
inline void write_all(int fd, std::string_view bytes) {
  (void)fd, (void)bytes;
  throw std::logic_error("write_all() is yours to write");
}
