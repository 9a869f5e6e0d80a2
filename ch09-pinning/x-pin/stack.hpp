#pragma once
// Pinned on the stack. A local variable stays where it is until its scope ends. But it can be moved
// from, and a pin can outlive it.

#include <concepts>
#include <optional>
#include <string>
#include <utility>

#include "machine.hpp"
#include "moving.hpp"
#include "narrate/narrate.hpp"
#include "pin.hpp"

// The promise is broken: the pinned variable still has its own name.
inline Texts move_behind_the_pins_back() {
  Machine machine("old words");
  Pin<Machine*> pinned = Pin<Machine*>::unchecked(&machine);
  write(pinned, "more words");
  Machine elsewhere = std::move(machine);  // after Rust's pin!(machine), an error
  write(Pin<Machine*>::unchecked(&elsewhere), "new words");
  narrate::say("write", "elsewhere", "machine: \"", machine.text, "\", elsewhere: \"",
               elsewhere.text, '"');
  return {machine.text, elsewhere.text};
}

// Nothing here is unchecked. Reading is enough: a copy points back, too.
inline Texts copy_through_the_pin() {
  auto pinned = pin_on_heap<Machine>("old words");
  Machine copy = *pinned;
  *copy.line = "new words";
  narrate::say("write", "copy", "pinned: \"", pinned->text, "\", copy: \"", copy.text, '"');
  return {pinned->text, copy.text};
}

// Counts how many there are.
class Guest {
 public:
  explicit Guest(int& present) : present_(present) { ++present_; }
  Guest(Guest&&) = delete;
  ~Guest() { --present_; }

 private:
  int& present_;
};

// Returns how many objects there are while there is a pin.
inline int outlive() {
  int present = 0;
  std::optional<Pin<Guest*>> pinned;
  {
    Guest guest(present);
    pinned.emplace(Pin<Guest*>::unchecked(&guest));
  }
  // To follow it now would be undefined behaviour. Rust's compiler refuses; ours says nothing.
  narrate::say("outlive", "pin", present, " objects, ", pinned ? 1 : 0, " pin");
  return present;
}

// A local variable without a name of its own, so that it is only reached by its pin. It does not
// move, and a temporary one gives out no pin.
template <class T>
class PinnedHere {
 public:
  template <class... Args>
    requires std::constructible_from<T, Args...>
  explicit PinnedHere(Args&&... args) : object_(std::forward<Args>(args)...) {}
  PinnedHere(PinnedHere&&) = delete;

  Pin<T*> get() & { return Pin<T*>::unchecked(&object_); }

 private:
  T object_;
};

inline std::string pin_here() {
  PinnedHere<Machine> machine("old words");
  write(machine.get(), "new words");
  narrate::say("write", "machine", '"', machine.get()->text, '"');
  return machine.get()->text;
}
