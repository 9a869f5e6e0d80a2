#pragma once
// Counts the system calls of this program, while it runs at its usual speed: under strace it would
// be so slow that the events came in heaps. The program has functions of its own with the names of
// libc's, which the linker prefers, also for libuv. Not seen is what libc does inside, above all
// the futex of its locks and condition variables. For the one file of a bench with main().

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdarg>

#include "requests.hpp"

#define PASS_ON(result, name, parameters, arguments, specifier)                              \
  extern "C" result name parameters specifier {                                              \
    static const auto next = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name)); \
    requests::calls_so_far.fetch_add(1, std::memory_order_relaxed);                          \
    return next arguments;                                                                   \
  }

PASS_ON(int, socket, (int domain, int type, int protocol), (domain, type, protocol), noexcept)
PASS_ON(int, connect, (int fd, const sockaddr* to, socklen_t size), (fd, to, size), )
PASS_ON(int, close, (int fd), (fd), )
PASS_ON(int, epoll_create1, (int flags), (flags), noexcept)
PASS_ON(int, epoll_ctl, (int queue, int operation, int fd, epoll_event* event),
        (queue, operation, fd, event), noexcept)
PASS_ON(int, epoll_wait, (int queue, epoll_event* events, int size, int timeout),
        (queue, events, size, timeout), )
PASS_ON(int, epoll_pwait,
        (int queue, epoll_event* events, int size, int timeout, const sigset_t* mask),
        (queue, events, size, timeout, mask), )
PASS_ON(int, getpeername, (int fd, sockaddr* address, socklen_t* size), (fd, address, size),
        noexcept)
PASS_ON(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size),
        (fd, level, name, value, size), noexcept)
PASS_ON(int, setsockopt, (int fd, int level, int name, const void* value, socklen_t size),
        (fd, level, name, value, size), noexcept)
PASS_ON(ssize_t, read, (int fd, void* bytes, std::size_t size), (fd, bytes, size), )
PASS_ON(ssize_t, recv, (int fd, void* bytes, std::size_t size, int flags),
        (fd, bytes, size, flags), )
PASS_ON(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), )
PASS_ON(ssize_t, write, (int fd, const void* bytes, std::size_t size), (fd, bytes, size), )
PASS_ON(ssize_t, writev, (int fd, const iovec* parts, int count), (fd, parts, count), )
PASS_ON(ssize_t, send, (int fd, const void* bytes, std::size_t size, int flags),
        (fd, bytes, size, flags), )
PASS_ON(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), )

// libuv closes with it.
extern "C" long syscall(long number, ...) noexcept {
  static const auto next = reinterpret_cast<decltype(&::syscall)>(::dlsym(RTLD_NEXT, "syscall"));
  std::array<long, 6> words;
  va_list rest;
  va_start(rest, number);
  for (long& word : words) word = va_arg(rest, long);
  va_end(rest);
  requests::calls_so_far.fetch_add(1, std::memory_order_relaxed);
  return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

#undef PASS_ON
