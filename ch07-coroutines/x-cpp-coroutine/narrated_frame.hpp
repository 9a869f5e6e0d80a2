#pragma once
// Lets a coroutine say what the compiler does with it, in numbered steps, and counts what that
// costs. It has no part in the mechanism: a task works the same without it.

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "narrate/narrate.hpp"

// The base of a promise. One thread at a time.
class NarratedFrame {
 public:
  // Of all coroutines with such a promise:
  static inline std::size_t allocations = 0;
  static inline std::size_t frames = 0;  // of these, how many there still are
  static inline std::size_t bytes = 0;   // the size of the newest one
  static inline std::size_t stops = 0;   // how often one of them was suspended

  template <class... Parts>
  static void step(int number, std::string_view subject, const Parts&... parts) {
    if (narrate::detail::heard)  // else not even the verb is made
      narrate::say("step " + std::to_string(number), subject, parts...);
  }
  // The same for one that suspends the coroutine.
  template <class... Parts>
  static void stop(int number, std::string_view subject, const Parts&... parts) {
    ++stops;
    step(number, subject, parts...);
  }

  // The compiler asks a promise for the memory of its frame. (Inlined into the coroutine, these two
  // make g++ 12 see a delete that does not match its new.)
  [[gnu::noinline]] static void* operator new(std::size_t size) {
    void* memory = ::operator new(size);
    newest_ = static_cast<const std::byte*>(memory);
    bytes = size;
    ++allocations;
    ++frames;
    step(1, "frame", "operator new: ", size, " bytes");
    return memory;
  }
  [[gnu::noinline]] static void operator delete(void* memory, std::size_t size) noexcept {
    --frames;
    step(8, "frame", "destroyed; operator delete: ", size, " bytes");
    ::operator delete(memory, size);
  }

  NarratedFrame(const NarratedFrame&) = delete;
  NarratedFrame& operator=(const NarratedFrame&) = delete;

 protected:
  // A promise whose constructor takes the coroutine's parameters is given those in the frame.
  template <class... Parameters>
  explicit NarratedFrame(const Parameters&... parameters) {
    if (!narrate::detail::heard) return;
    std::string places;
    ((places += (places.empty() ? " at " : " and ") + place(std::addressof(parameters))), ...);
    step(2, "frame", sizeof...(parameters), " parameters, copied into it", places);
  }
  ~NarratedFrame() = default;

 private:
  // (A lambda's closure counts as a parameter, and stays where it is.)
  static std::string place(const void* parameter) {
    auto* address = static_cast<const std::byte*>(parameter);
    if (std::less<>()(address, newest_) || !std::less<>()(address, newest_ + bytes))
      return "another place";
    return "byte " + std::to_string(address - newest_);
  }

  static inline const std::byte* newest_ = nullptr;
};
