#pragma once
// An owner for a file descriptor: whoever opens something keeps it in an Fd, and it is closed once.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace net {

// The error of the system call that has just failed, by the call's name. Call it before anything
// else can change errno.
[[nodiscard]] inline std::system_error last_error(const char* call) {
  return std::system_error(errno, std::generic_category(), call);
}

// Move-only. Empty after being moved from, and by default. Not synchronised: one owner, one thread.
class Fd {
 public:
  Fd() = default;
  // Takes ownership of `number`, which must be open, or be negative for "nothing".
  explicit Fd(int number) noexcept : number_(number) {}
  // Takes ownership of what the system call `call` returned; throws std::system_error with the
  // call's name if that is -1:  Fd socket = Fd::checked(::socket(…), "socket");
  [[nodiscard]] static Fd checked(int result, const char* call) {
    if (result == -1) throw last_error(call);
    return Fd(result);
  }

  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }

  // Closes now. No retry after EINTR: on Linux the number is free again whatever close() returns,
  // and closing it twice would close somebody else's.
  void close() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

// For the beginning of main(). A program may be started with standard output closed. The next
// socket would then get number 1, and what is meant for the screen would go to a peer. A descriptor
// that cannot be written to, in that place, turns it into an error that can be reported.
inline void reserve_standard_descriptors() {
  for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(number, F_GETFD) == -1 && errno == EBADF) (void)::open("/dev/null", O_RDONLY);
}

}  // namespace net
