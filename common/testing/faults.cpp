#include "testing/faults.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace testing {
namespace {

enum Call : std::size_t {
  accept4_,
  clock_nanosleep_,
  close_,
  connect_,
  epoll_create1_,
  epoll_ctl_,
  epoll_pwait_,
  epoll_wait_,
  fcntl_,
  fork_,
  getsockopt_,
  io_uring_enter_,
  io_uring_setup_,
  mprotect_,
  nanosleep_,
  poll_,
  ppoll_,
  read_,
  readv_,
  recv_,
  recvmsg_,
  send_,
  sendmsg_,
  socket_,
  waitpid_,
  write_,
  call_count
};
constexpr std::array<std::string_view, call_count> names = {
    "accept4",        "clock_nanosleep",
    "close",          "connect",
    "epoll_create1",  "epoll_ctl",
    "epoll_pwait",    "epoll_wait",
    "fcntl",          "fork",
    "getsockopt",     "io_uring_enter",
    "io_uring_setup", "mprotect",
    "nanosleep",      "poll",
    "ppoll",          "read",
    "readv",          "recv",
    "recvmsg",        "send",
    "sendmsg",        "socket",
    "waitpid",        "write",
};

Call call_named(std::string_view name) {
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw std::invalid_argument("no such call: " + std::string(name));
  return static_cast<Call>(found - names.begin());
}

int error_named(const std::string& name) {
  for (int error = 1; error < 134; ++error)
    if (const char* known = ::strerrorname_np(error); known && name == known) return error;
  throw std::invalid_argument("no such error: " + name);
}

struct Fault {
  Call call;
  std::size_t nth = 0;  // 0: every other one
  int error = 0;        // 0: fall short instead
};

std::vector<Fault> parse(const std::string& plan) {
  std::vector<Fault> faults;
  std::istringstream words(plan);
  for (std::string word; words >> word;) {
    std::size_t first = word.find(':'), second = word.find(':', first + 1);
    if (first == std::string::npos) throw std::invalid_argument("not a fault: " + word);
    Fault fault{call_named(word.substr(0, first))};
    std::string when = word.substr(first + 1, second - first - 1);
    if (when != "short") {
      if (second == std::string::npos) throw std::invalid_argument("not a fault: " + word);
      if (when != "every") fault.nth = std::stoul(when);
      fault.error = error_named(word.substr(second + 1));
    }
    faults.push_back(fault);
  }
  return faults;
}

using Counts = std::array<std::atomic<std::size_t>, call_count>;

thread_local std::optional<std::vector<Fault>> thread_faults;
thread_local std::array<std::size_t, call_count> thread_counts{};
thread_local std::array<std::size_t, call_count> counts_since{};  // since the Faults were made
Counts process_counts{};
std::vector<Fault> process_faults;  // set before main()

struct Environment {
  Environment() {
    if (const char* plan = std::getenv("COURSE_FAULTS")) process_faults = parse(plan);
  }
  ~Environment() {
    const char* file = std::getenv("COURSE_CALLS");
    if (file == nullptr) return;
    std::ofstream out(file);
    for (std::size_t call = 0; call != call_count; ++call)
      out << names[call] << " " << process_counts[call] << "\n";
  }
} environment;

// What this call shall do: nothing special, fall short, or fail with errno.
enum class Fate { real, short_count, fail };
Fate decide(Call call) {
  ++thread_counts[call];
  std::size_t in_process = ++process_counts[call];
  std::size_t number = thread_faults ? ++counts_since[call] : in_process;
  Fate fate = Fate::real;
  for (const Fault& fault : thread_faults ? *thread_faults : process_faults) {
    if (fault.call != call) continue;
    if (fault.error == 0) {
      fate = Fate::short_count;
    } else if (fault.nth == number || (fault.nth == 0 && number % 2 == 1)) {
      errno = fault.error;
      return Fate::fail;
    }
  }
  return fate;
}

}  // namespace

Faults::Faults(const std::string& plan) {
  thread_faults = parse(plan);
  counts_since = {};
}
Faults::~Faults() { thread_faults.reset(); }

std::size_t calls(const std::string& name) { return thread_counts[call_named(name)]; }

}  // namespace testing

using testing::decide;
using testing::Fate;

// The linker sends every call of NAME in our objects to __wrap_NAME, and knows the real one as
// __real_NAME. The prototypes are those of the manual pages.
#define PASS_ON(result, name, parameters, arguments)       \
  extern "C" result __real_##name parameters;              \
  extern "C" result __wrap_##name parameters;              \
  extern "C" result __wrap_##name parameters {             \
    if (decide(testing::name##_) == Fate::fail) return -1; \
    return __real_##name arguments;                        \
  }

#define PASS_ON_COUNT(name, parameters, arguments, short_arguments)                  \
  extern "C" ssize_t __real_##name parameters;                                       \
  extern "C" ssize_t __wrap_##name parameters;                                       \
  extern "C" ssize_t __wrap_##name parameters {                                      \
    Fate fate = decide(testing::name##_);                                            \
    if (fate == Fate::fail) return -1;                                               \
    if (fate == Fate::short_count && size > 1) return __real_##name short_arguments; \
    return __real_##name arguments;                                                  \
  }

PASS_ON(int, accept4, (int fd, sockaddr* address, socklen_t* length, int flags),
        (fd, address, length, flags))
PASS_ON(int, connect, (int fd, const sockaddr* address, socklen_t length), (fd, address, length))
PASS_ON(int, epoll_create1, (int flags), (flags))
PASS_ON(int, epoll_ctl, (int epoll, int operation, int fd, epoll_event* event),
        (epoll, operation, fd, event))
PASS_ON(int, epoll_pwait,
        (int epoll, epoll_event* events, int size, int timeout, const sigset_t* mask),
        (epoll, events, size, timeout, mask))
PASS_ON(int, epoll_wait, (int epoll, epoll_event* events, int size, int timeout),
        (epoll, events, size, timeout))
PASS_ON(int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
PASS_ON(int, ppoll, (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask),
        (fds, count, timeout, mask))
PASS_ON(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
PASS_ON(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size),
        (fd, level, name, value, size))
PASS_ON(pid_t, fork, (), ())
PASS_ON(pid_t, waitpid, (pid_t child, int* status, int options), (child, status, options))
PASS_ON(int, mprotect, (void* start, size_t size, int rights), (start, size, rights))
PASS_ON(int, nanosleep, (const timespec* time, timespec* left), (time, left))
PASS_ON(ssize_t, readv, (int fd, const iovec* parts, int count), (fd, parts, count))
PASS_ON(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
PASS_ON(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))

PASS_ON_COUNT(read, (int fd, void* buffer, size_t size), (fd, buffer, size), (fd, buffer, 1))
PASS_ON_COUNT(write, (int fd, const void* buffer, size_t size), (fd, buffer, size), (fd, buffer, 1))
PASS_ON_COUNT(recv, (int fd, void* buffer, size_t size, int flags), (fd, buffer, size, flags),
              (fd, buffer, 1, flags))
PASS_ON_COUNT(send, (int fd, const void* buffer, size_t size, int flags), (fd, buffer, size, flags),
              (fd, buffer, 1, flags))

// This one returns its error instead of setting errno.
extern "C" int __real_clock_nanosleep(clockid_t, int, const timespec*, timespec*);
extern "C" int __wrap_clock_nanosleep(clockid_t, int, const timespec*, timespec*);
extern "C" int __wrap_clock_nanosleep(clockid_t clock, int flags, const timespec* time,
                                      timespec* left) {
  if (decide(testing::clock_nanosleep_) == Fate::fail) return errno;
  return __real_clock_nanosleep(clock, flags, time, left);
}

// The calls that libc has no function for. Whatever a caller did not pass is not looked at either.
extern "C" long __real_syscall(long number, ...);
extern "C" long __wrap_syscall(long number, ...);
extern "C" long __wrap_syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  std::array<long, 6> words;
  for (long& word : words) word = va_arg(rest, long);
  va_end(rest);
  Fate fate = Fate::real;
  if (number == SYS_io_uring_enter) fate = decide(testing::io_uring_enter_);
  if (number == SYS_io_uring_setup) fate = decide(testing::io_uring_setup_);
  if (fate == Fate::fail) return -1;
  return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

// A failing close() has closed all the same, as on Linux.
extern "C" int __real_close(int fd);
extern "C" int __wrap_close(int fd);
extern "C" int __wrap_close(int fd) {
  Fate fate = decide(testing::close_);
  int error = errno;
  int result = __real_close(fd);
  if (fate != Fate::fail) return result;
  errno = error;
  return -1;
}

// fcntl() takes an int or a pointer, by its command; on our platforms a long carries both.
extern "C" int __real_fcntl(int fd, int command, ...);
extern "C" int __wrap_fcntl(int fd, int command, ...);
extern "C" int __wrap_fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  long argument = va_arg(rest, long);
  va_end(rest);
  if (decide(testing::fcntl_) == Fate::fail) return -1;
  return __real_fcntl(fd, command, argument);
}
