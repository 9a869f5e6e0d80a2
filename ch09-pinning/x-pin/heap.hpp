#pragma once
// Pinned on the heap: what moves is a pointer.

#include <memory>
#include <utility>
#include <vector>

#include "machine.hpp"
#include "narrate/narrate.hpp"

struct Owned {
  bool stayed;           // while its owner moved
  bool stolen_is_whole;  // moved out of the place where it was pinned
};

inline Owned own_on_the_heap() {
  std::vector<std::unique_ptr<Machine>> owners;
  owners.push_back(std::make_unique<Machine>("words"));
  const Machine* place = owners.front().get();
  const std::unique_ptr<Machine>* owner = &owners.front();
  narrate::say("make", "machine", "at ", place, ", owner at ", owner);
  owners.reserve(owners.capacity() + 1);
  narrate::say("grow", "machine", "at ", owners.front().get(), ", owner at ", &owners.front());
  bool stayed = owners.front().get() == place && points_into_itself(*owners.front());

  Machine stolen = std::move(*owners.front());  // the owner is no pin: the type must not move
  narrate::say("steal", "machine", "to ", &stolen, ", line -> ", stolen.line);
  return {stayed, points_into_itself(stolen)};
}
