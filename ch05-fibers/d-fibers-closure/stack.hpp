#pragma once
// The memory that a fiber runs on.

#include <cstddef>
#include <span>

// Move-only; empty by default, and when it was moved from. Below the stack there is a page that
// nobody may touch: whoever needs more stack than there is runs into it, instead of into somebody
// else's memory.
class Stack {
 public:
  Stack() = default;
  // At least `size` bytes, and the guard page. Throws std::system_error where the kernel refuses
  // one more, with the name of the call, and a word about vm.max_map_count; then it has kept
  // nothing.
  explicit Stack(std::size_t size);
  Stack(Stack&& other) noexcept;
  Stack& operator=(Stack&& other) noexcept;
  ~Stack();

  [[nodiscard]] std::span<std::byte> usable() const { return mapping_.subspan(guard_size_); }
  [[nodiscard]] std::span<std::byte> guard() const { return mapping_.first(guard_size_); }

 private:
  std::span<std::byte> mapping_;
  std::size_t guard_size_ = 0;
};
