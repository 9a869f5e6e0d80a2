#pragma once
// An event queue on epoll: says which of many sources are ready, and sleeps until one is.

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

// Owns the kernel's queue, but not the sources. The list of sources is the kernel's, and so is the
// lock on it: another thread may add and remove some while one is in wait(). Every error is thrown
// as std::system_error with the name of the call.
class Poll {
 public:
  Poll() : queue_(net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  // From now on wait() reports `source`, by the caller's address for it, when it becomes readable
  // or writable, or when the other end has gone: once for each change (edge-triggered), not for as
  // long as it is so.
  void add(const net::Fd& source, void* address) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = address;
    if (::epoll_ctl(queue_.get(), EPOLL_CTL_ADD, source.get(), &event) == -1)
      throw net::last_error("epoll_ctl");
  }
  // Before the source is closed. It is named by its number, since its owner may have moved.
  void remove(int source) {
    if (::epoll_ctl(queue_.get(), EPOLL_CTL_DEL, source, nullptr) == -1)
      throw net::last_error("epoll_ctl");
  }

  // Blocks until something has happened to one source at least, and returns the events of all,
  // until it is asked again; none if the limit has passed first (never: -1). On x86-64 they are
  // packed: nothing may refer to their fields.
  std::span<const epoll_event> wait(std::chrono::milliseconds limit) {
    narrate::Span span("wait", "in epoll_wait()");
    int count;
    do {
      count = ::epoll_wait(queue_.get(), events_.data(), static_cast<int>(events_.size()),
                           static_cast<int>(limit.count()));
    } while (count == -1 && errno == EINTR);
    if (count == -1) throw net::last_error("epoll_wait");
    // The kernel has put the ready ones in front: nothing is left to scan.
    return std::span(events_).first(static_cast<std::size_t>(count));
  }

 private:
  net::Fd queue_;
  // Room for one batch, not a limit: what does not fit comes with the next call.
  std::array<epoll_event, 256> events_;
};
