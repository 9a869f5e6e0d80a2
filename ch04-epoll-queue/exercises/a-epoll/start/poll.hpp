#pragma once
// An event queue on epoll: says which of many sources are ready, and sleeps until one is.

#include <sys/epoll.h>

#include <cstddef>
#include <stdexcept>
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
    (void)source, (void)token;
    throw std::logic_error("Registry::add() is yours to write");
  }

  void remove(const net::Fd& source) const {
    (void)source;
    throw std::logic_error("Registry::remove() is yours to write");
  }

 private:
  friend class Poll;
  explicit Registry(int queue) : queue_(queue) {}
  [[maybe_unused]] int queue_;
};

// Owns the kernel's queue, but not the sources: remove() them before they are closed.
class Poll {
 public:
  // epoll_create1() makes the queue; its descriptor must not leak into programs that we start.
  Poll() = default;

  [[nodiscard]] Registry registry() const { return Registry(queue_.get()); }

  // Blocks until something has arrived at one source at least, and returns the tokens of all where
  // it has. The end of a stream and an error count as arrivals too: read() tells them apart.
  // A signal does not end it. Begin with:  narrate::Span span("wait", "in epoll_wait()");
  std::vector<Token> wait() { throw std::logic_error("Poll::wait() is yours to write"); }

 private:
  net::Fd queue_;
};
