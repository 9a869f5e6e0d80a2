#pragma once
// An event queue on epoll: says which of many sources are ready, and sleeps until one is.

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

// What a source is called by: the caller's number for it, handed back when it is ready.
using Token = std::size_t;

// Owns the kernel's queue, but not the sources. The list of sources is the kernel's, and so is the
// lock on it: another thread may add and remove some while one is in wait(). Every error is thrown
// as std::system_error with the name of the call.
class Poll {
 public:
  Poll() : queue_(net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  // From now on wait() reports `source` by its token when it becomes readable or writable: once for
  // each change (edge-triggered), not for as long as it is so.
  void add(const net::Fd& source, Token token) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = token;
    if (::epoll_ctl(queue_.get(), EPOLL_CTL_ADD, source.get(), &event) == -1)
      throw net::last_error("epoll_ctl");
  }
  // Before the source is closed. It is named by its number, since its owner may have moved.
  void remove(int source) {
    if (::epoll_ctl(queue_.get(), EPOLL_CTL_DEL, source, nullptr) == -1)
      throw net::last_error("epoll_ctl");
  }

  // Blocks until one source at least has become readable or writable, and returns the tokens of all
  // that have; none if the limit has passed first (never: -1). The end of a stream and an error are
  // reported, too: the next call on it tells which.
  std::vector<Token> wait(std::chrono::milliseconds limit) {
    narrate::Span span("wait", "in epoll_wait()");
    // Room for one batch, not a limit: what does not fit comes with the next call.
    std::array<epoll_event, 64> events;
    int count;
    do {
      count = ::epoll_wait(queue_.get(), events.data(), static_cast<int>(events.size()),
                           static_cast<int>(limit.count()));
    } while (count == -1 && errno == EINTR);
    if (count == -1) throw net::last_error("epoll_wait");
    // The kernel has put the ready ones in front: nothing is left to scan.
    std::vector<Token> ready;
    for (int i = 0; i < count; ++i) {
      // A copy first: the structure is packed on x86-64, so nothing may refer to its fields.
      Token token = events[static_cast<std::size_t>(i)].data.u64;
      ready.push_back(token);
    }
    return ready;
  }

 private:
  net::Fd queue_;
};
