#pragma once
// An event queue on epoll: says which of many sources are ready, and sleeps until one is.

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

// What a source is called by: the caller's number for it, handed back when it is ready.
using Token = std::size_t;

// The side of the queue where sources are registered. The list is the kernel's, and so is the lock
// on it: another thread may register a source while one is in Poll::wait(). Not an owner: it must
// not outlive its Poll. Every error, here and in Poll, is thrown as std::system_error with the name
// of the call.
class Registry {
 public:
  // From now on Poll::wait() reports `source` by its token for as long as it is readable (without
  // EPOLLET epoll is level-triggered): every wait, until somebody reads it or removes it.
  void add(const net::Fd& source, Token token) const {
    epoll_event event{};
    event.events = EPOLLIN;
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

  // Blocks until one source at least is readable, and returns the tokens of all that are. One whose
  // stream has ended is readable too, and so is a broken one: read() tells them apart.
  std::vector<Token> wait() {
    narrate::Span span("wait", "in epoll_wait()");
    // Room for one batch, not a limit: what does not fit comes with the next call.
    std::array<epoll_event, 64> events;
    int count;
    do {
      count = ::epoll_wait(queue_.get(), events.data(), static_cast<int>(events.size()), -1);
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
