#pragma once
// An event queue on epoll: says which of many sources are ready, and sleeps until one is.

#include <sys/epoll.h>

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
  // From now on Poll::wait() reports `source` by its token when it becomes readable: once for each
  // time that something arrives (EPOLLET, edge-triggered), not for as long as something is there.
  void add(const net::Fd& source, Token token) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
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

  // Blocks until something has arrived at one source at least, and returns the tokens of all where
  // it has. The end of a stream and an error count as arrivals too: read() tells them apart.
  std::vector<Token> wait() {
    narrate::Span span("wait", "in epoll_wait()");
    for (;;) {
      int count = ::epoll_pwait(queue_.get(), batch_.data(), 16, 60'000, nullptr);
      if (count == -1 && errno != EINTR) throw net::last_error("epoll_pwait");
      if (count <= 0) continue;  // a signal, or a minute without news
      std::vector<Token> ready(static_cast<std::size_t>(count));
      for (std::size_t i = 0; i != ready.size(); ++i) ready[i] = batch_[i].data.u64;
      return ready;
    }
  }

 private:
  net::Fd queue_;
  std::vector<epoll_event> batch_ = std::vector<epoll_event>(16);
};
