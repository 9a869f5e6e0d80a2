#pragma once
// An event queue on poll(2): says which of many sources are ready, and sleeps until one is.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>
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
    std::swap(tokens_[static_cast<std::size_t>(index)], tokens_.back());
    std::swap(sources_[static_cast<std::size_t>(index)], sources_.back());
    tokens_.pop_back();
    sources_.pop_back();
  }

  // Blocks, however long it takes, until at least one source can be read without blocking, and
  // returns the tokens of all that can. The end of a stream and an error count as readable too:
  // read() tells them apart.
  std::vector<Token> wait() {
    narrate::Span span("wait", "in poll(), a list of ", sources_.size());
    int left = -1;
    while (left == -1) {
      left = ::ppoll(sources_.data(), sources_.size(), nullptr, nullptr);
      if (left == -1 && errno != EINTR) throw net::last_error("ppoll");
    }
    std::vector<Token> ready;
    for (std::size_t i = 0; left > 0; ++i) {
      ++entries_scanned_;
      if (sources_[i].revents == 0) continue;
      ready.push_back(tokens_[i]);
      --left;
    }
    return ready;
  }

  [[nodiscard]] std::size_t entries_scanned() const { return entries_scanned_; }

 private:
  std::vector<pollfd> sources_;  // what poll() wants to see
  std::vector<Token> tokens_;    // of the source with the same index
  std::size_t entries_scanned_ = 0;
};
