#pragma once
// A vector that grows gives all its elements a new place. How do they get there?

#include <string_view>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"

struct Counts {
  int copies = 0, moves = 0;
};

enum class Move { cannot_throw, may_throw };
enum class Copy { yes, no };

// Counts how it gets to another place.
template <Move move, Copy copy>
class Element {
 public:
  explicit Element(Counts& counts) : counts_(&counts) {}
  Element(const Element& other)
    requires(copy == Copy::yes)
      : counts_(other.counts_) {
    ++counts_->copies;
  }
  Element(Element&& other) noexcept(move == Move::cannot_throw) : counts_(other.counts_) {
    ++counts_->moves;
  }

 private:
  Counts* counts_;
};

// Three elements, and one more than there is room for.
template <class E>
Counts grow(std::string_view name) {
  Counts counts;
  std::vector<E> elements;
  elements.reserve(3);
  for (int i = 0; i < 3; ++i) elements.emplace_back(counts);
  elements.emplace_back(counts);
  narrate::say("grow", name, counts.copies, " copies, ", counts.moves, " moves");
  return counts;
}
