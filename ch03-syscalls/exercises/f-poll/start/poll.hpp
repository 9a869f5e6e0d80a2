#pragma once
// An event queue on poll(2): says which of many sources are ready, and sleeps until one is.

#include <poll.h>

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

// What a source is called by: the caller's number for it, handed back when it is ready.
using Token = std::size_t;

// Does not own the sources: remove() them before they are closed. Every error is thrown as
// std::system_error with the name of the call.
class Poll {
 public:
  // From now on wait() also looks whether `source` can be read.
  void add(const net::Fd& source, Token token) {
    (void)source, (void)token;
    throw std::logic_error("Poll::add() is yours to write");
  }

  // The token must be one that was added.
  void remove(Token token) {
    (void)token;
    throw std::logic_error("Poll::remove() is yours to write");
  }

  // Blocks, however long it takes, until at least one source can be read without blocking, and
  // returns the tokens of all that can. The end of a stream and an error count as readable too:
  // read() tells them apart. A signal does not end it. Begin with:
  //   narrate::Span span("wait", "in poll()");
  std::vector<Token> wait() { throw std::logic_error("Poll::wait() is yours to write"); }

  // How many entries all calls of wait() together have looked at.
  [[nodiscard]] std::size_t entries_scanned() const { return entries_scanned_; }

 private:
  std::size_t entries_scanned_ = 0;
};
