#pragma once
// Stacks that nobody uses at present.

#include <cstddef>
#include <utility>
#include <vector>

#include "stack.hpp"

// A new stack costs two system calls, and a page fault for each page that is touched; to free it
// costs a third call. The one that was used last is still in the CPU's caches, too. In return, what
// a deep call has once touched stays in memory: so there is a limit to how many are kept.
class StackPool {
 public:
  StackPool(std::size_t stack_size, std::size_t most) : stack_size_(stack_size), most_(most) {}

  Stack take() {
    if (free_.empty()) return Stack(stack_size_);
    Stack stack = std::move(free_.back());
    free_.pop_back();
    return stack;
  }

  void give_back(Stack stack) {
    if (free_.size() < most_) free_.push_back(std::move(stack));
  }

 private:
  std::size_t stack_size_;
  std::size_t most_;
  std::vector<Stack> free_;
};
