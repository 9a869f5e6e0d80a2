#pragma once
// Deadlines in order, as far as it is needed: what is added or removed costs the same with ten of
// them as with ten million.

#include <cstdint>
#include <stdexcept>

#include "readiness.hpp"

// A point in time, in milliseconds.
using Tick = std::uint64_t;

// Lies in the frame of whoever waits, so that there is nothing to allocate.
struct Timer {
  Tick deadline = 0;
  Readiness* readiness = nullptr;  // is set when the deadline has passed
  bool passed = false;             // before anything else has happened to it
  // By what does the wheel find it, and its neighbours, when it is removed? That is yours to write.
};

// A hierarchical timing wheel (Varghese and Lauck, 1987). For one thread at a time.
//
// Read the time as a number to the base of 64. A timer hangs at the level of the highest digit in
// which its deadline differs from now, in the slot that this digit names. So all timers of a level
// come before all of the next, and those of a slot before those of the next slot: two bit scans
// find the earliest slot. When the time has come to a slot of a higher level, its timers are dealt
// out to the levels below.
//
// (You may do it otherwise. What counts is which timers pass, and when, and that a million of them
// cost nothing but their own memory.)
class TimerWheel {
 public:
  static constexpr Tick never = ~Tick{0};

  explicit TimerWheel(Tick now) : now_(now) {}

  // It must not be in a wheel, and must be removed before it is destroyed or has passed. Its
  // deadline comes before `never`, and may have come already.
  void add(Timer& timer) {
    (void)timer;
    throw std::logic_error("TimerWheel::add() is yours to write");
  }

  // Whether it is in a wheel or not. Throws nothing: destructors call it.
  static void remove(Timer& timer) noexcept {
    (void)timer;  // and the rest of it is yours to write
  }

  // When advance() has something to do again: not later than at the first deadline, and later than
  // now if that is. `never` if there is none. For each timer it may say an earlier time than its
  // deadline a few times at most: once for each level.
  [[nodiscard]] Tick next() { throw std::logic_error("TimerWheel::next() is yours to write"); }

  // Calls passed(timer) for all whose deadline is not after `now`, in the order of their deadlines;
  // they are in the wheel no more. That may add some, and remove others.
  template <class Passed>
  void advance(Tick now, Passed passed) {
    (void)now, (void)passed;
    throw std::logic_error("TimerWheel::advance() is yours to write");
  }

 private:
  Tick now_;
};
