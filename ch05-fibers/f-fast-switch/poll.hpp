#pragma once
// An event queue on epoll: says which of many sources are ready, and sleeps until one is.

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

// What a source is called by: the caller's number for it, handed back when it is ready.
using Token = std::size_t;

using Clock = std::chrono::steady_clock;
constexpr Clock::time_point never = Clock::time_point::max();

struct Event {
  Token token;
  bool readable;  // or at its end, or broken: read() tells
  bool writable;  // or broken: write() tells
};

// The side of the queue where sources are registered. The list is the kernel's, and so is the lock
// on it: another thread may register a source while one is in Poll::wait(). Not an owner: it must
// not outlive its Poll. Every error, here and in Poll, is thrown as std::system_error with the name
// of the call.
class Registry {
 public:
  // From now on Poll::wait() reports `source` by its token when it becomes readable, and when it
  // becomes writable: once for each time (EPOLLET, edge-triggered), not for as long as it is so.
  void add(const net::Fd& source, Token token) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = token;
    if (::epoll_ctl(queue_, EPOLL_CTL_ADD, source.get(), &event) == -1)
      throw net::last_error("epoll_ctl");
  }

  void remove(const net::Fd& source) const {
    if (::epoll_ctl(queue_, EPOLL_CTL_DEL, source.get(), nullptr) == -1)
      throw net::last_error("epoll_ctl");
  }

 private:
  friend class Poll;
  explicit Registry(int queue) : queue_(queue) {}
  int queue_;
};

// Owns the kernel's queue, but not the sources: remove() them before they are closed.
class Poll {
 public:
  Poll() : queue_(net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  [[nodiscard]] Registry registry() const { return Registry(queue_.get()); }

  // Blocks until something has happened at one source at least, or `deadline` has come, and returns
  // all that has happened. A deadline in the past: does not block.
  std::vector<Event> wait(Clock::time_point deadline) {
    std::optional<narrate::Span> span;
    if (deadline > Clock::now()) span.emplace("wait", "in epoll_wait()");
    // Room for one batch, not a limit: what does not fit comes with the next call.
    std::array<epoll_event, 64> events;
    int count;
    do {
      count = ::epoll_wait(queue_.get(), events.data(), static_cast<int>(events.size()),
                           milliseconds_until(deadline));
    } while (count == -1 && errno == EINTR);
    if (count == -1) throw net::last_error("epoll_wait");
    // The kernel has put the ready ones in front: nothing is left to scan.
    std::vector<Event> ready;
    for (int i = 0; i < count; ++i) {
      // A copy first: the structure is packed on x86-64, so nothing may refer to its fields.
      epoll_event event = events[static_cast<std::size_t>(i)];
      bool broken = event.events & (EPOLLHUP | EPOLLERR);
      ready.push_back({event.data.u64, broken || event.events & (EPOLLIN | EPOLLRDHUP),
                       broken || event.events & EPOLLOUT});
    }
    return ready;
  }

 private:
  // Rounded up: a wait that ends before its time would be followed by many that do not wait at all.
  static int milliseconds_until(Clock::time_point deadline) {
    if (deadline == never) return -1;
    Clock::time_point now = Clock::now();
    if (deadline <= now) return 0;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 1'000'000));
  }

  net::Fd queue_;
};
