#pragma once
// write(2), with nothing between us and the kernel.

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <system_error>

// Asks the kernel to write bytes to a file descriptor. Returns how many it took, which may be fewer
// than we offered, or else minus the number of an error: -EBADF, -EINTR, …
//
// A CPU has one instruction that enters the kernel. Which call is meant, and its arguments, stand
// in registers; so does the result afterwards. Linux has fixed for each kind of CPU which
// registers, and a number for each call, and never changes them.
inline long raw_write(int fd, const char* bytes, std::size_t size) {
#if defined(__x86_64__)
  register long rax asm("rax") = 1;
  register int rdi asm("rdi") = fd;
  register const char* rsi asm("rsi") = bytes;
  register std::size_t rdx asm("rdx") = size;
  asm volatile("syscall" : "+r"(rax) : "r"(rdi), "r"(rsi), "r"(rdx) : "rcx", "r11", "cc", "memory");
  return rax;
#elif defined(__aarch64__)
  register long x0 asm("x0") = fd;            // in:  the first argument; out: the result
  register const char* x1 asm("x1") = bytes;  // in:  the second;
  register std::size_t x2 asm("x2") = size;   //      the third;
  register long x8 asm("x8") = 64;            //      the number of the call (here, 64 is write)
  asm volatile("svc #0"                       // "supervisor call": the instruction
               : "+r"(x0)                     // in and out
               : "r"(x1), "r"(x2), "r"(x8)    // in; they keep their values, like all but SVE's
               : "memory");                   // as above
  return x0;
#else
#error "raw_write() knows x86-64 and 64-bit Arm: another CPU has an instruction of its own"
#endif
}

// Writes everything, however often the kernel has to be asked. What goes wrong is thrown as
// std::system_error. That includes EAGAIN: whoever makes `fd` non-blocking does not want to wait.
inline void write_all(int fd, std::string_view bytes) {
  const char* next = bytes.data();
  const char* const end = next + bytes.size();
  while (next != end) {
    const long result = raw_write(fd, next, static_cast<std::size_t>(end - next));
    if (result > 0) {
      next += result;
    } else if (result != -EINTR) {
      const int reason = result == 0 ? EIO : static_cast<int>(-result);
      throw std::system_error(reason, std::system_category(), "write");
    }
  }
}
