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
  long result;
  asm volatile(         // volatile: what counts is its effect, even if nobody uses the result
      "syscall"         // the instruction; all else says what stands where
      : "=a"(result)    // out ("="): afterwards rax ("a") holds the result
      : "a"(1L),        // in: before, rax holds the number of the call (1 is write);
        "D"(long{fd}),  //      rdi: the first argument;
        "S"(bytes),     //      rsi: the second;
        "d"(size)       //      rdx: the third
      : "rcx", "r11",   // lost: the CPU keeps the way back in rcx, and its flags in r11
        "memory");      // the kernel looks at our memory: what we have stored must be there by now
  return result;
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
  while (!bytes.empty()) {
    long result = raw_write(fd, bytes.data(), bytes.size());
    if (result == -EINTR) continue;  // a signal came first: nothing has happened yet
    if (result == 0) result = -EIO;  // nothing, and no reason: asking again could go on for ever
    if (result < 0)
      throw std::system_error(static_cast<int>(-result), std::generic_category(), "write");
    bytes.remove_prefix(static_cast<std::size_t>(result));  // it may have been only a part
  }
}
