#pragma once
// The stage with one trick less, each in a namespace of its own.

#include <cstddef>

namespace malloc_frames {  // each frame comes from the heap
void skynet(std::size_t workers, long leaves);
}
namespace locked_queue {  // a mutex and a std::deque in place of Chase and Lev's
void skynet(std::size_t workers, long leaves);
}
namespace oldest_first {  // the same, and who has come first is next
void skynet(std::size_t workers, long leaves);
}
