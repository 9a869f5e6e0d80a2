#pragma once
// epoll, as the delayserver uses it: level-triggered, with an id for every descriptor; and what
// wakes up its loop from outside.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "delayserver/books.hpp"
#include "net/fd.hpp"

namespace delay {

// All throw std::system_error.
class EventQueue {
 public:
  void add(int fd, std::uint32_t events, std::uint64_t id) {
    control(EPOLL_CTL_ADD, fd, events, id);
  }
  void change(int fd, std::uint32_t events, std::uint64_t id) {
    control(EPOLL_CTL_MOD, fd, events, id);
  }

  // Sleeps until something happens or that time has come; what has happened, perhaps nothing. A
  // signal is no event. The result is valid until the next call.
  std::span<const epoll_event> wait_until(Clock::time_point time) {
    int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                             milliseconds_until(time));
    if (count == -1 && errno != EINTR) throw net::last_error("epoll_wait");
    return std::span(events_).first(static_cast<std::size_t>(std::max(count, 0)));
  }

 private:
  // Rounded up: a millisecond of waiting too little would be spent on asking again.
  static int milliseconds_until(Clock::time_point time) {
    if (time == Books::never) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }

  void control(int operation, int fd, std::uint32_t events, std::uint64_t id) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) == -1) throw net::last_error("epoll_ctl");
  }

  net::Fd epoll_ = net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::array<epoll_event, 256> events_;
};

// Is ready to be read from ring() on, until silence().
class Bell {
 public:
  // write() is all that a signal handler may do, and all that is needed: the loop does the rest.
  void ring() const noexcept {
    int saved = errno;
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t size = ::write(counter_.get(), &one, sizeof one);
    errno = saved;
  }
  void silence() const {
    std::uint64_t rings = 0;
    [[maybe_unused]] ssize_t size = ::read(counter_.get(), &rings, sizeof rings);
  }
  [[nodiscard]] int fd() const { return counter_.get(); }

 private:
  net::Fd counter_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
};

}  // namespace delay
