// Stage ch07/x-generator: must an event wake each coroutine? Here nothing does: the consumer asks.
// New: a generator. It runs until it has the next element, and stops until that is wanted.

#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "generator.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

namespace {

struct Folder {
  std::string name;
  std::vector<Folder> inside;
  bool locked = false;
};

// In the order in which one would list them: each folder before what is inside. It keeps a
// reference to the folder, which therefore has to live longer.
Generator<std::string> walk(const Folder& folder) {
  if (folder.locked) throw std::runtime_error(folder.name + " is locked");
  narrate::say("yield", folder.name);
  co_yield folder.name;
  for (const Folder& one : folder.inside) co_yield elements_of(walk(one));
  narrate::say("end", folder.name);
}

Generator<int> squares() {
  for (int i = 1;; ++i) {
    int square = i * i;
    narrate::say("yield", "squares", square);
    co_yield square;
  }
}

void example() {
  const Folder house{"house", {{"kitchen", {{"cupboard", {}}}}, {"cellar", {}}}};
  narrate::print("a walk through the house:");
  Generator<std::string> names = walk(house);
  narrate::print("walk() has returned, and nothing has run yet");
  for (const std::string& name : names) narrate::say("use", "main", name);

  narrate::print("three of endlessly many squares:");
  for (int square : squares() | std::views::take(3)) narrate::say("use", "main", square);

  narrate::print("a walk that ends early:");
  const Folder flat{"flat", {{"hall", {}}, {"study", {}, true}}};
  try {
    for (const std::string& name : walk(flat)) narrate::say("use", "main", name);
  } catch (const std::runtime_error& error) {
    narrate::say("catch", "main", error.what());
  }
}

}  // namespace

int main() { return stage::run(example); }
