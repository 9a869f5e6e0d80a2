#pragma once
// A source for the reactor, and a future that waits for it, for the suites of this chapter.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <optional>

#include "future.hpp"
#include "net/fd.hpp"
#include "reactor.hpp"
#include "waker.hpp"

// Something to wait for that becomes readable when we say so.
class Pipe {
 public:
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    out_ = net::Fd(ends[0]);
    in_ = net::Fd(ends[1]);
  }
  [[nodiscard]] const net::Fd& out() const { return out_; }
  void write() const { REQUIRE(::write(in_.get(), ".", 1) == 1); }

 private:
  net::Fd out_, in_;
};

// Waits on the reactor for a byte; counts its polls if it is told where.
class ReadByte final : public Future<Unit> {
 public:
  explicit ReadByte(const Pipe& pipe, std::atomic<int>* polls = nullptr)
      : pipe_(pipe), polls_(polls) {}
  PollState<Unit> poll(const Waker& waker) override {
    if (polls_ != nullptr) ++*polls_;
    if (!registration_) registration_.emplace(Reactor::current().add(pipe_.out(), "pipe"));
    registration_->set_waker(waker);
    char byte;
    if (::read(pipe_.out().get(), &byte, 1) != 1) return std::nullopt;
    return Unit{};
  }

 private:
  const Pipe& pipe_;
  std::atomic<int>* polls_;
  std::optional<Registration> registration_;
};
