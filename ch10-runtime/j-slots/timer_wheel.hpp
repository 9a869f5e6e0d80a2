#pragma once
// Deadlines in order, as far as it is needed: what is added or removed costs the same with ten of
// them as with ten million.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "readiness.hpp"

// A point in time, in milliseconds.
using Tick = std::uint64_t;

// Lies in the frame of whoever waits, so that there is nothing to allocate.
struct Timer {
  Tick deadline = 0;
  Readiness* readiness = nullptr;  // is set when the deadline has passed
  bool passed = false;             // before anything else has happened to it
  Timer* next = nullptr;
  Timer** link = nullptr;  // what points to this one; nullptr: it is in no wheel
};

// A hierarchical timing wheel (Varghese and Lauck, 1987). For one thread at a time.
//
// Read the time as a number to the base of 64. A timer hangs at the level of the highest digit in
// which its deadline differs from now, in the slot that this digit names. So all timers of a level
// come before all of the next, and those of a slot before those of the next slot: two bit scans
// find the earliest slot. When the time has come to a slot of a higher level, its timers are dealt
// out to the levels below.
class TimerWheel {
 public:
  static constexpr Tick never = ~Tick{0};

  explicit TimerWheel(Tick now) : now_(now) {}

  // It must not be in a wheel, and must be removed before it is destroyed or has passed. Its
  // deadline comes before `never`.
  void add(Timer& timer) noexcept {
    Tick deadline = std::max(timer.deadline, now_);
    std::size_t level = highest_digit(deadline ^ now_);
    std::size_t slot = digit(deadline, level);
    push_front(slots_[level][slot], timer);
    occupied_[level] |= Tick{1} << slot;
  }

  // Whether it is in a wheel or not.
  static void remove(Timer& timer) noexcept {
    if (timer.link == nullptr) return;
    *timer.link = timer.next;
    if (timer.next != nullptr) timer.next->link = timer.link;
    timer.link = nullptr;
  }

  // When advance() has something to do again: not later than at the first deadline. `never` if
  // there is none.
  [[nodiscard]] Tick next() noexcept {
    auto [level, slot] = first_slot();
    return level == levels ? never : begin_of(level, slot);
  }

  // Calls passed(timer) for all whose deadline is not after `now`; they are in the wheel no more.
  // That may remove others.
  template <class Passed>
  void advance(Tick now, Passed passed) {
    while (next() <= now) {
      auto [level, slot] = first_slot();
      now_ = begin_of(level, slot);
      while (Timer* timer = slots_[level][slot]) {
        remove(*timer);
        if (timer->deadline <= now_)
          passed(*timer);
        else
          add(*timer);
      }
    }
    now_ = std::max(now_, now);
  }

 private:
  static constexpr std::size_t levels = 11;  // of six bits each

  static std::size_t highest_digit(Tick tick) noexcept {
    return (static_cast<std::size_t>(std::bit_width(tick | 1)) - 1) / 6;
  }
  static std::size_t digit(Tick tick, std::size_t level) noexcept {
    return (tick >> (6 * level)) % 64;
  }
  static void push_front(Timer*& first, Timer& timer) noexcept {
    timer.next = first;
    timer.link = &first;
    if (first != nullptr) first->link = &timer.next;
    first = &timer;
  }

  // The first tick of a slot: the digits of now_ above it, its own, and zeros.
  [[nodiscard]] Tick begin_of(std::size_t level, std::size_t slot) const noexcept {
    Tick above = level + 1 == levels ? 0 : now_ >> (6 * (level + 1)) << (6 * (level + 1));
    return std::max(now_, above + (Tick{slot} << (6 * level)));
  }

  // The first one that has timers; none: `levels`. A slot whose timers have all been removed is
  // noticed here.
  std::pair<std::size_t, std::size_t> first_slot() noexcept {
    for (std::size_t level = 0; level != levels; ++level) {
      while (occupied_[level] != 0) {
        auto slot = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
        if (slots_[level][slot] != nullptr) return {level, slot};
        occupied_[level] &= ~(Tick{1} << slot);
      }
    }
    return {levels, 0};
  }

  Tick now_;
  std::array<Tick, levels> occupied_{};  // a bit for each slot that may have timers
  std::array<std::array<Timer*, 64>, levels> slots_{};
};
