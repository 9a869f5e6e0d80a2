#pragma once
// An event queue on poll(2): says which of many sources are ready, and sleeps until one is.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
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
    sources_.push_back({source.get(), POLLIN, 0});
    tokens_.push_back(token);
  }

  // The token must be one that was added.
  void remove(Token token) {
    auto index = std::find(tokens_.begin(), tokens_.end(), token) - tokens_.begin();
    tokens_.erase(tokens_.begin() + index);
    sources_.erase(sources_.begin() + index);
  }

  // Blocks, however long it takes, until at least one source can be read without blocking, and
  // returns the tokens of all that can. The end of a stream and an error count as readable too:
  // read() tells them apart.
  std::vector<Token> wait() {
    narrate::Span span("wait", "in poll(), a list of ", sources_.size());
    // The whole list goes into the kernel, which looks at every entry, and comes back, …
    while (::poll(sources_.data(), sources_.size(), -1) == -1)
      if (errno != EINTR) throw net::last_error("poll");
    // … and then we look at every entry: it says only how many are ready, not which.
    std::vector<Token> ready;
    for (std::size_t i = 0; i < sources_.size(); ++i)
      if (sources_[i].revents != 0) ready.push_back(tokens_[i]);
    entries_scanned_ += sources_.size();
    return ready;
  }

  [[nodiscard]] std::size_t entries_scanned() const { return entries_scanned_; }

 private:
  std::vector<pollfd> sources_;  // what poll() wants to see
  std::vector<Token> tokens_;    // of the source with the same index
  std::size_t entries_scanned_ = 0;
};
