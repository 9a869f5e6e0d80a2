#pragma once
// An object that says what happens to it.

#include <string>
#include <utility>

#include "narrate/narrate.hpp"

// What is moved from, and destroyed afterwards, is not worth a line.
class Guest {
 public:
  explicit Guest(const char* name) : name_(name) { narrate::say("make", name_); }
  Guest(Guest&& other) noexcept : name_(std::exchange(other.name_, nullptr)) {
    narrate::say("move", name_);
  }
  Guest& operator=(Guest&&) = delete;
  // Leaves the name where it is: so it is told, too, if it happens twice.
  ~Guest() {
    if (name_ != nullptr) narrate::say("destroy", name_);
  }

 private:
  const char* name_;
};
