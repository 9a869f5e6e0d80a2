#pragma once
// Something to wait for, for the suites of the chapters that have a reactor.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/fd.hpp"

namespace testing {

// Something that becomes readable when we say so, and is never writable.
class Source {
 public:
  Source() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    fd_ = net::Fd(ends[0]);
    other_ = net::Fd(ends[1]);
  }
  void make_ready() const { REQUIRE(::write(other_.get(), ".", 1) == 1); }
  [[nodiscard]] bool take() const {
    char byte;
    return ::read(fd_.get(), &byte, 1) == 1;
  }
  [[nodiscard]] const net::Fd& fd() const { return fd_; }

 private:
  net::Fd fd_, other_;
};

}  // namespace testing
