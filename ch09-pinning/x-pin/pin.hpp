#pragma once
// Rust's Pin in C++, as far as C++ can express it. In Rust no type can refuse to be moved, so the
// pointer to it must promise that nobody moves it.

#include <concepts>
#include <memory>
#include <utility>

#include "machine.hpp"

// May a T move although it has been pinned? A class that can't move has answered. One that can, and
// should not, has to say so.
template <class T>
inline constexpr bool unpin = std::movable<T>;
template <>
inline constexpr bool unpin<Machine> = false;

// Rust's compiler derives the answer from the members. Ours does not: this class would have to say
// it again.
struct HasMachine {
  Machine machine;
};
static_assert(unpin<HasMachine>);

// A pointer that gives out no T& by which its object could be moved, unless T is unpin.
template <class P>
class Pin {
 public:
  using T = typename std::pointer_traits<P>::element_type;

  explicit Pin(P pointer)
    requires unpin<T>
      : Pin(std::move(pointer), Promise()) {}
  // Whoever calls it promises that the object stays where it is until its end. Nobody checks that.
  static Pin unchecked(P pointer) { return Pin(std::move(pointer), Promise()); }

  const T& operator*() const { return *pointer_; }
  const T* operator->() const { return std::to_address(pointer_); }
  T& get_mut() const
    requires unpin<T>
  {
    return *pointer_;
  }
  // Whoever calls it promises to move nothing out that has to stay.
  T& get_unchecked() const { return *pointer_; }

 private:
  struct Promise {};
  Pin(P pointer, Promise) : pointer_(std::move(pointer)) {}

  P pointer_;
};

// Rust's Box::pin. The caller promises nothing: nobody else has had a name for the object.
template <class T, class... Args>
Pin<std::unique_ptr<T>> pin_on_heap(Args&&... args) {
  return Pin<std::unique_ptr<T>>::unchecked(std::make_unique<T>(std::forward<Args>(args)...));
}

// Rust's `fn write(self: Pin<&mut Self>, …)`. A member function can't ask for a pin: its `this` is
// a plain pointer.
inline void write(Pin<Machine*> machine, std::string words) {
  *machine.get_unchecked().line = std::move(words);
}
