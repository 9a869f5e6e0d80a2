#pragma once
// "Ask again": what a leaf future hands to whoever will know when there is something to ask for.

#include <memory>

#include "narrate/narrate.hpp"
#include "parker.hpp"

// Can be copied, and kept for longer than the future and its executor. wake() may be called on any
// thread, at any time and any number of times; one that comes too late does nothing.
class Waker {
 public:
  explicit Waker(const std::shared_ptr<Parker>& parker) : parker_(parker) {}

  void wake() const {
    std::shared_ptr<Parker> parker = parker_.lock();
    if (!parker) return;  // nobody is there any more
    narrate::say("wake", "root", "its thread is unparked");
    parker->unpark();
  }

 private:
  std::weak_ptr<Parker> parker_;
};
