#pragma once
// "Ask again": what a leaf future hands to whoever will know when there is something to ask for.

#include <memory>
#include <stdexcept>
#include <utility>

#include "narrate/narrate.hpp"
#include "parker.hpp"

// Can be copied, and kept for longer than the future and its executor. wake() may be called on any
// thread, at any time and any number of times; one that comes too late does nothing.
class Waker {
 public:
  explicit Waker(std::shared_ptr<Parker> parker) : parker_(std::move(parker)) {}

  // Narrate it:  narrate::say("wake", "root", "its thread is unparked");
  void wake() const { throw std::logic_error("Waker::wake() is yours to write"); }

 private:
  std::shared_ptr<Parker> parker_;
};
