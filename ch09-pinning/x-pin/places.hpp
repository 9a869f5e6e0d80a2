#pragma once
// Where can something live that cannot move? Wherever it is made in place, and what is around it
// never needs to move it.

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "machine.hpp"
#include "narrate/narrate.hpp"

struct Place {
  std::string name;
  bool stays;
};

// Makes a machine in each, moves what is around it if that can be moved, and looks where it is.
inline std::vector<Place> places() {
  std::vector<Place> all;
  auto look = [&all](std::string name, const FixedMachine& before, const FixedMachine& now) {
    bool stays = &before == &now && points_into_itself(now);
    narrate::say(stays ? "stay" : "move", name, "at ", &now);
    all.push_back({std::move(name), stays});
  };

  struct Whole {
    FixedMachine part;
  };
  Whole whole{FixedMachine("a member")};
  look("member", whole.part, whole.part);
  std::array<FixedMachine, 2> both{FixedMachine("one"), FixedMachine("two")};
  look("array", both[1], both[1]);

  std::vector<FixedMachine> three(3);  // never more than these
  const FixedMachine& third = three.back();
  std::vector<FixedMachine> taken = std::move(three);  // the block changes its vector
  look("vector(3)", third, taken.back());

  auto owner = std::make_unique<FixedMachine>("owned");
  const FixedMachine& owned = *owner;
  std::unique_ptr<FixedMachine> next_owner = std::move(owner);
  look("unique_ptr", owned, *next_owner);

  std::deque<FixedMachine> queue;
  const FixedMachine& queued = queue.emplace_back("queued");
  for (int i = 0; i < 1000; ++i) queue.emplace_front();
  look("deque", queued, queue.back());

  std::list<FixedMachine> list, longer_list(1);
  const FixedMachine& listed = list.emplace_back("listed");
  longer_list.splice(longer_list.end(), list);  // the node changes its list
  look("list", listed, longer_list.back());

  std::map<int, FixedMachine> map, other_map;
  const FixedMachine& mapped = map.try_emplace(1, "mapped").first->second;
  other_map.insert(map.extract(1));  // the node changes its map
  look("map", mapped, other_map.at(1));

  std::optional<FixedMachine> maybe;
  const FixedMachine& held = maybe.emplace("maybe");
  look("optional", held, *maybe);
  std::variant<int, FixedMachine> either;
  const FixedMachine& chosen = either.emplace<FixedMachine>("either");
  look("variant", chosen, std::get<FixedMachine>(either));
  return all;
}
