#pragma once
// A future that waits for a source, for the suites of this chapter.

#include <unistd.h>

#include <atomic>
#include <optional>

#include "future.hpp"
#include "net/fd.hpp"
#include "reactor.hpp"
#include "testing/source.hpp"
#include "waker.hpp"

// Waits on the reactor for a byte; counts its polls if it is told where.
class ReadByte final : public Future<Unit> {
 public:
  explicit ReadByte(const testing::Source& source, std::atomic<int>* polls = nullptr)
      : source_(source), polls_(polls) {}
  PollState<Unit> poll(const Waker& waker) override {
    if (polls_ != nullptr) ++*polls_;
    if (!registration_) registration_.emplace(Reactor::current().add(source_.fd(), "source"));
    registration_->set_waker(waker);
    char byte;
    if (::read(source_.fd().get(), &byte, 1) != 1) return std::nullopt;
    return Unit{};
  }

 private:
  const testing::Source& source_;
  std::atomic<int>* polls_;
  std::optional<Registration> registration_;
};
