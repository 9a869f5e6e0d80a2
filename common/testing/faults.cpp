#include "testing/faults.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
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
#include <condition_variable>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

extern "C" int __real_getsockopt(int, int, int, void*, socklen_t*);

namespace testing {
namespace {

// clang-format off
#define EACH_CALL(_)                                                                            \
  _(accept) _(accept4) _(clock_nanosleep) _(close) _(connect) _(epoll_create) _(epoll_create1)  \
  _(epoll_ctl) _(epoll_pwait) _(epoll_pwait2) _(epoll_wait) _(fcntl) _(fork) _(futex)           \
  _(getpeername) _(getsockopt) _(io_uring_enter) _(io_uring_setup) _(ioctl) _(mmap) _(mprotect) \
  _(nanosleep) _(pidfd_open) _(poll) _(ppoll) _(preadv2) _(pselect) _(pthread_cond_clockwait)   \
  _(pthread_cond_timedwait) _(pwritev2) _(read) _(readv) _(recv) _(recvfrom) _(recvmsg)         \
  _(select) _(send) _(sendmsg) _(sendto) _(socket) _(usleep) _(wait4) _(waitid) _(waitpid)      \
  _(write) _(writev)
// clang-format on

#define IN_ENUM(name) name##_,
enum Call : std::size_t { EACH_CALL(IN_ENUM) call_count };

using Members = std::uint64_t;
static_assert(call_count <= 64);
constexpr Members members(std::initializer_list<Call> calls) {
  Members all = 0;
  for (Call call : calls) all |= Members{1} << call;
  return all;
}
constexpr Members reading = members({read_, readv_, preadv2_, recv_, recvfrom_, recvmsg_});
constexpr Members writing = members({write_, writev_, pwritev2_, send_, sendto_, sendmsg_});
constexpr Members polling = members({poll_, ppoll_, select_, pselect_});
constexpr Members epolling = members({epoll_wait_, epoll_pwait_, epoll_pwait2_});
constexpr Members sleeping = members({nanosleep_, clock_nanosleep_, usleep_, futex_,
                                      pthread_cond_timedwait_, pthread_cond_clockwait_});

struct Family {
  std::string_view name;
  Members members;
  bool sockets_only = false;
};
constexpr Family families[] = {
    {"read*", reading},
    {"recv*", reading, true},
    {"write*", writing},
    {"send*", writing, true},
    {"poll*", polling},
    {"epoll_wait*", epolling},
    {"nanosleep*", sleeping | polling | epolling},
    {"getsockopt*", members({getsockopt_, getpeername_})},
    {"fcntl*", members({fcntl_, ioctl_})},
    {"accept4*", members({accept_, accept4_})},
    {"epoll_create1*", members({epoll_create_, epoll_create1_})},
    {"waitpid*", members({waitpid_, waitid_, wait4_})},
};

// What a name stands for, and what is counted: the calls, and after them the families.
using Subject = std::size_t;
constexpr Subject subject_count = call_count + std::size(families);

std::string_view name_of(Subject subject) {
#define AS_NAME(name) #name,
  static constexpr std::string_view names[] = {EACH_CALL(AS_NAME)};
  return subject < call_count ? names[subject] : families[subject - call_count].name;
}

Subject subject_named(std::string_view name) {
  for (Subject subject = 0; subject != subject_count; ++subject)
    if (name_of(subject) == name) return subject;
  throw std::invalid_argument("no such call: " + std::string(name));
}

bool is_socket(int fd) {
  int error = errno, type = 0;
  socklen_t size = sizeof type;
  bool result = ::__real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  errno = error;
  return result;
}

bool concerns(Subject subject, Call call, int fd) {
  if (subject < call_count) return subject == call;
  const Family& family = families[subject - call_count];
  return (family.members & members({call})) != 0 && (!family.sockets_only || is_socket(fd));
}

int error_named(const std::string& name) {
  for (int error = 1; error < 134; ++error)
    if (const char* known = ::strerrorname_np(error); known && name == known) return error;
  throw std::invalid_argument("no such error: " + name);
}

struct Fault {
  Subject subject;
  std::size_t nth = 0;  // 0: two of three
  int error = 0;        // 0: fall short instead
};

std::vector<Fault> parse(const std::string& plan) {
  std::vector<Fault> faults;
  std::istringstream words(plan);
  for (std::string word; words >> word;) {
    std::size_t first = word.find(':'), second = word.find(':', first + 1);
    if (first == std::string::npos) throw std::invalid_argument("not a fault: " + word);
    Fault fault{subject_named(word.substr(0, first))};
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

thread_local std::array<std::size_t, subject_count> thread_counts{};
std::array<std::atomic<std::size_t>, subject_count> process_counts{};
std::vector<Fault> process_faults;  // set before main()

struct Environment {
  Environment() {
    if (const char* plan = std::getenv("COURSE_FAULTS")) process_faults = parse(plan);
  }
  ~Environment() {
    const char* file = std::getenv("COURSE_CALLS");
    if (file == nullptr) return;
    std::ofstream out(file);
    for (Subject subject = 0; subject != subject_count; ++subject)
      out << name_of(subject) << " " << process_counts[subject] << "\n";
  }
} environment;

}  // namespace

struct After::Plan {
  Subject subject;
  std::optional<std::thread::id> thread;  // none: of any
  std::size_t left;
  std::function<void(int)> action;
  bool runs = false, has_run = false;
};

namespace {

std::mutex plans_mutex;
std::condition_variable plan_has_run;
std::vector<std::shared_ptr<After::Plan>> plans;  // whose destructors have not begun
std::atomic<std::size_t> plan_count = 0;          // of them: nobody locks where there are none

// Stands in each wrapper: what shall come after the call comes when its answer is known.
class End {
 public:
  explicit End(Call call, int fd = -1) : call_(call), fd_(fd) {}
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  ~End() {
    if (plan_count == 0) return;
    int error = errno;
    for (const auto& plan : due()) {
      plan->action(fd_);
      std::lock_guard lock(plans_mutex);
      plan->runs = false;
      plan->has_run = true;
      plan_has_run.notify_all();
    }
    errno = error;
  }

 private:
  std::vector<std::shared_ptr<After::Plan>> due() {
    std::vector<std::shared_ptr<After::Plan>> result;
    std::lock_guard lock(plans_mutex);
    for (const auto& plan : plans) {
      if (plan->thread && *plan->thread != std::this_thread::get_id()) continue;
      if (plan->left == 0 || !concerns(plan->subject, call_, fd_) || --plan->left > 0) continue;
      plan->runs = true;
      result.push_back(plan);
    }
    return result;
  }

  Call call_;
  int fd_;
};

}  // namespace

After::After(const std::string& name, std::size_t nth, std::function<void(int fd)> action, Of of)
    : plan_(std::make_shared<Plan>(Plan{subject_named(name), {}, nth, std::move(action)})) {
  if (of == Of::this_thread) plan_->thread = std::this_thread::get_id();
  std::lock_guard lock(plans_mutex);
  plans.push_back(plan_);
  ++plan_count;
}
After::~After() {
  std::unique_lock lock(plans_mutex);
  std::erase(plans, plan_);
  --plan_count;
  plan_has_run.wait(lock, [this] { return !plan_->runs; });
}
bool After::has_run() const {
  std::lock_guard lock(plans_mutex);
  return plan_->has_run;
}

struct Faults::Plan {
  std::vector<Fault> faults;
  Plan* outer;  // whose turn it is again after this one
  std::array<std::size_t, subject_count> counts{};
};

namespace {

thread_local Faults::Plan* thread_plan = nullptr;

// What this call shall do: nothing special, fall short, or fail with errno.
enum class Fate { real, short_count, fail };
Fate decide(Call call, int fd = -1) {
  std::array<std::size_t, subject_count> number{};  // 0: not concerned
  for (Subject subject = 0; subject != subject_count; ++subject) {
    if (!concerns(subject, call, fd)) continue;
    ++thread_counts[subject];
    std::size_t in_process = ++process_counts[subject];
    number[subject] = thread_plan ? ++thread_plan->counts[subject] : in_process;
  }
  Fate fate = Fate::real;
  for (const Fault& fault : thread_plan ? thread_plan->faults : process_faults) {
    std::size_t now = number[fault.subject];
    if (now == 0) continue;
    if (fault.error == 0) {
      fate = Fate::short_count;
    } else if (fault.nth == now || (fault.nth == 0 && now % 3 != 0)) {
      errno = fault.error;
      return Fate::fail;
    }
  }
  return fate;
}

thread_local int last_wait = -1;
int milliseconds_of(int timeout) { return timeout; }
int milliseconds_of(const timespec* timeout) {
  return timeout ? static_cast<int>(timeout->tv_sec * 1000 + timeout->tv_nsec / 1'000'000) : -1;
}
int milliseconds_of(const timeval* timeout) {
  return timeout ? static_cast<int>(timeout->tv_sec * 1000 + timeout->tv_usec / 1000) : -1;
}

// The first byte of what a call scatters or gathers; nothing of it, if there is but one.
std::optional<iovec> first_byte(const iovec* parts, std::size_t count) {
  std::size_t size = 0;
  for (std::size_t i = 0; i != count; ++i) size += parts[i].iov_len;
  if (size <= 1) return std::nullopt;
  while (parts->iov_len == 0) ++parts;
  return iovec{parts->iov_base, 1};
}

}  // namespace

Faults::Faults(const std::string& plan)
    : plan_(std::make_unique<Plan>(Plan{parse(plan), thread_plan})) {
  thread_plan = plan_.get();
}
Faults::~Faults() { thread_plan = plan_->outer; }

int last_timeout() { return last_wait; }

std::size_t calls(const std::string& name) { return thread_counts[subject_named(name)]; }

}  // namespace testing

using testing::decide;
using testing::End;
using testing::Fate;

// The linker sends every call of NAME in our objects to __wrap_NAME, and knows the real one as
// __real_NAME. The prototypes are those of the manual pages.
#define DECLARE(result, name, parameters)     \
  extern "C" result __real_##name parameters; \
  extern "C" result __wrap_##name parameters;

#define PASS_ON(result, name, parameters, arguments)       \
  DECLARE(result, name, parameters)                        \
  extern "C" result __wrap_##name parameters {             \
    End end(testing::name##_);                             \
    if (decide(testing::name##_) == Fate::fail) return -1; \
    return __real_##name arguments;                        \
  }

#define PASS_ON_WAIT(name, parameters, arguments)                          \
  DECLARE(int, name, parameters)                                           \
  extern "C" int __wrap_##name parameters {                                \
    testing::last_wait = testing::milliseconds_of(timeout);                \
    End end(testing::name##_);                                             \
    bool fails = decide(testing::name##_) == Fate::fail;                   \
    if (fails && errno != ETIME) return -1;                                \
    return fails && testing::last_wait >= 0 ? 0 : __real_##name arguments; \
  }

#define PASS_ON_COUNT(name, parameters, arguments, short_arguments)                  \
  DECLARE(ssize_t, name, parameters)                                                 \
  extern "C" ssize_t __wrap_##name parameters {                                      \
    End end(testing::name##_, fd);                                                   \
    Fate fate = decide(testing::name##_, fd);                                        \
    if (fate == Fate::fail) return -1;                                               \
    if (fate == Fate::short_count && size > 1) return __real_##name short_arguments; \
    return __real_##name arguments;                                                  \
  }

#define PASS_ON_PARTS(name, parameters, arguments, short_arguments)              \
  DECLARE(ssize_t, name, parameters)                                             \
  extern "C" ssize_t __wrap_##name parameters {                                  \
    End end(testing::name##_, fd);                                               \
    Fate fate = decide(testing::name##_, fd);                                    \
    if (fate == Fate::fail) return -1;                                           \
    auto byte = testing::first_byte(parts, static_cast<std::size_t>(count));     \
    if (fate == Fate::short_count && byte) return __real_##name short_arguments; \
    return __real_##name arguments;                                              \
  }

// These return their error instead of setting errno. A wait that a signal interrupts is over early.
#define PASS_ON_ERROR(name, parameters, arguments, interrupted) \
  DECLARE(int, name, parameters)                                \
  extern "C" int __wrap_##name parameters {                     \
    int error = errno;                                          \
    End end(testing::name##_);                                  \
    bool fails = decide(testing::name##_) == Fate::fail;        \
    std::swap(errno, error);                                    \
    if (!fails) return __real_##name arguments;                 \
    return error == EINTR ? interrupted : error;                \
  }

PASS_ON(int, accept, (int fd, sockaddr* address, socklen_t* length), (fd, address, length))
PASS_ON(int, accept4, (int fd, sockaddr* address, socklen_t* length, int flags),
        (fd, address, length, flags))
PASS_ON(int, connect, (int fd, const sockaddr* address, socklen_t length), (fd, address, length))
PASS_ON(int, epoll_create, (int size), (size))
PASS_ON(int, epoll_create1, (int flags), (flags))
PASS_ON(int, epoll_ctl, (int epoll, int operation, int fd, epoll_event* event),
        (epoll, operation, fd, event))
PASS_ON_WAIT(epoll_pwait,
             (int epoll, epoll_event* events, int size, int timeout, const sigset_t* mask),
             (epoll, events, size, timeout, mask))
PASS_ON_WAIT(epoll_pwait2,
             (int epoll, epoll_event* events, int size, const timespec* timeout,
              const sigset_t* mask),
             (epoll, events, size, timeout, mask))
PASS_ON_WAIT(epoll_wait, (int epoll, epoll_event* events, int size, int timeout),
             (epoll, events, size, timeout))
PASS_ON_WAIT(poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
PASS_ON_WAIT(ppoll, (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask),
             (fds, count, timeout, mask))
PASS_ON_WAIT(select, (int count, fd_set* in, fd_set* out, fd_set* error, timeval* timeout),
             (count, in, out, error, timeout))
PASS_ON_WAIT(pselect,
             (int count, fd_set* in, fd_set* out, fd_set* error, const timespec* timeout,
              const sigset_t* mask),
             (count, in, out, error, timeout, mask))
PASS_ON(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
PASS_ON(int, getpeername, (int fd, sockaddr* address, socklen_t* length), (fd, address, length))
PASS_ON(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size),
        (fd, level, name, value, size))
PASS_ON(pid_t, fork, (), ())
PASS_ON(pid_t, waitpid, (pid_t child, int* status, int options), (child, status, options))
PASS_ON(pid_t, wait4, (pid_t child, int* status, int options, rusage* usage),
        (child, status, options, usage))
PASS_ON(int, waitid, (idtype_t type, id_t child, siginfo_t* info, int options),
        (type, child, info, options))
PASS_ON(int, mprotect, (void* start, size_t size, int rights), (start, size, rights))
PASS_ON(int, nanosleep, (const timespec* time, timespec* left), (time, left))
PASS_ON(int, usleep, (useconds_t time), (time))

PASS_ON_COUNT(read, (int fd, void* buffer, size_t size), (fd, buffer, size), (fd, buffer, 1))
PASS_ON_COUNT(write, (int fd, const void* buffer, size_t size), (fd, buffer, size), (fd, buffer, 1))
PASS_ON_COUNT(recv, (int fd, void* buffer, size_t size, int flags), (fd, buffer, size, flags),
              (fd, buffer, 1, flags))
PASS_ON_COUNT(send, (int fd, const void* buffer, size_t size, int flags), (fd, buffer, size, flags),
              (fd, buffer, 1, flags))
PASS_ON_COUNT(recvfrom,
              (int fd, void* buffer, size_t size, int flags, sockaddr* from, socklen_t* length),
              (fd, buffer, size, flags, from, length), (fd, buffer, 1, flags, from, length))
PASS_ON_COUNT(sendto,
              (int fd, const void* buffer, size_t size, int flags, const sockaddr* to,
               socklen_t length),
              (fd, buffer, size, flags, to, length), (fd, buffer, 1, flags, to, length))

PASS_ON_PARTS(readv, (int fd, const iovec* parts, int count), (fd, parts, count), (fd, &*byte, 1))
PASS_ON_PARTS(writev, (int fd, const iovec* parts, int count), (fd, parts, count), (fd, &*byte, 1))
PASS_ON_PARTS(preadv2, (int fd, const iovec* parts, int count, off_t offset, int flags),
              (fd, parts, count, offset, flags), (fd, &*byte, 1, offset, flags))
PASS_ON_PARTS(pwritev2, (int fd, const iovec* parts, int count, off_t offset, int flags),
              (fd, parts, count, offset, flags), (fd, &*byte, 1, offset, flags))

DECLARE(ssize_t, recvmsg, (int fd, msghdr* message, int flags))
extern "C" ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  End end(testing::recvmsg_, fd);
  Fate fate = decide(testing::recvmsg_, fd);
  if (fate == Fate::fail) return -1;
  auto byte = testing::first_byte(message->msg_iov, message->msg_iovlen);
  if (fate == Fate::real || !byte) return __real_recvmsg(fd, message, flags);
  msghdr whole = *message;
  message->msg_iov = &*byte;
  message->msg_iovlen = 1;
  ssize_t count = __real_recvmsg(fd, message, flags);
  message->msg_iov = whole.msg_iov;
  message->msg_iovlen = whole.msg_iovlen;
  return count;
}
DECLARE(ssize_t, sendmsg, (int fd, const msghdr* message, int flags))
extern "C" ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  End end(testing::sendmsg_, fd);
  Fate fate = decide(testing::sendmsg_, fd);
  if (fate == Fate::fail) return -1;
  auto byte = testing::first_byte(message->msg_iov, message->msg_iovlen);
  if (fate == Fate::real || !byte) return __real_sendmsg(fd, message, flags);
  msghdr one = *message;
  one.msg_iov = &*byte;
  one.msg_iovlen = 1;
  return __real_sendmsg(fd, &one, flags);
}

PASS_ON_ERROR(clock_nanosleep, (clockid_t clock, int flags, const timespec* time, timespec* left),
              (clock, flags, time, left), EINTR)
PASS_ON_ERROR(pthread_cond_timedwait,
              (pthread_cond_t * condition, pthread_mutex_t* mutex, const timespec* until),
              (condition, mutex, until), 0)
PASS_ON_ERROR(pthread_cond_clockwait,
              (pthread_cond_t * condition, pthread_mutex_t* mutex, clockid_t clock,
               const timespec* until),
              (condition, mutex, clock, until), 0)

// The calls that libc has no function for. Whatever a caller did not pass is not looked at either.
extern "C" long __real_syscall(long number, ...);
extern "C" long __wrap_syscall(long number, ...);
extern "C" long __wrap_syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  std::array<long, 6> words;
  for (long& word : words) word = va_arg(rest, long);
  va_end(rest);
  std::optional<testing::Call> call;
  if (number == SYS_io_uring_enter) call = testing::io_uring_enter_;
  if (number == SYS_pidfd_open) call = testing::pidfd_open_;
  if (number == SYS_io_uring_setup) call = testing::io_uring_setup_;
  // A wait with a limit; what else it can do (to wake, above all) is no sleep.
  long operation = words[1] & FUTEX_CMD_MASK;
  if (number == SYS_futex && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET) &&
      words[3] != 0)
    call = testing::futex_;
  std::optional<End> end;
  if (call) end.emplace(*call);
  if (call && decide(*call) == Fate::fail) return -1;
  return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

DECLARE(void*, mmap, (void* start, size_t size, int rights, int flags, int fd, off_t offset))
extern "C" void* __wrap_mmap(void* start, size_t size, int rights, int flags, int fd,
                             off_t offset) {
  End end(testing::mmap_);
  if (decide(testing::mmap_) == Fate::fail) return MAP_FAILED;
  return __real_mmap(start, size, rights, flags, fd, offset);
}

// A failing close() has closed all the same, as on Linux.
extern "C" int __real_close(int fd);
extern "C" int __wrap_close(int fd);
extern "C" int __wrap_close(int fd) {
  End end(testing::close_);
  Fate fate = decide(testing::close_);
  int error = errno;
  int result = __real_close(fd);
  if (fate != Fate::fail) return result;
  errno = error;
  return -1;
}

// fcntl() and ioctl() take an int or a pointer, by their command; on our platforms a long carries
// both.
#define PASS_ON_COMMAND(name, command_type)                         \
  DECLARE(int, name, (int fd, command_type command, ...))           \
  extern "C" int __wrap_##name(int fd, command_type command, ...) { \
    va_list rest;                                                   \
    va_start(rest, command);                                        \
    long argument = va_arg(rest, long);                             \
    va_end(rest);                                                   \
    End end(testing::name##_);                                      \
    if (decide(testing::name##_) == Fate::fail) return -1;          \
    return __real_##name(fd, command, argument);                    \
  }
PASS_ON_COMMAND(fcntl, int)
PASS_ON_COMMAND(ioctl, unsigned long)
