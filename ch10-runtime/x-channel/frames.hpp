#pragma once
// The memory of coroutine frames, used again and again.

#include <array>
#include <cstddef>
#include <new>

// A frame that ends has the size of one that will soon begin. So each thread keeps some blocks of
// every size, and asks the heap only when it has none. A block belongs to whoever holds it: it may
// be given back on another thread than the one that took it. With AddressSanitizer all comes from
// the heap, else nobody would see a use after the end.
class Frames {
 public:
  static void* take(std::size_t size) {
    std::size_t bin = bin_of(size);
    if (bin >= bins) return ::operator new(size);
    Block* block = kept_[bin].first;
    if (block == nullptr) return ::operator new((bin + 1) * step);
    kept_[bin].first = block->next;
    --kept_[bin].count;
    return block;
  }
  static void give_back(void* memory, std::size_t size) noexcept {
    std::size_t bin = bin_of(size);
    if (!recycle || bin >= bins || kept_[bin].count == most) return ::operator delete(memory);
    kept_[bin].first = ::new (memory) Block{kept_[bin].first};
    ++kept_[bin].count;
  }
  // Gives what this thread has kept back to the heap: before it ends.
  static void clear() noexcept {
    for (Bin& bin : kept_) {
      while (Block* block = bin.first) {
        bin.first = block->next;
        ::operator delete(block);
      }
      bin.count = 0;
    }
  }

 private:
  static constexpr std::size_t step = 64, bins = 16;  // up to a kibibyte
  static constexpr std::size_t most = 1024;           // blocks of a size

#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool recycle = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  static constexpr bool recycle = false;
#else
  static constexpr bool recycle = true;
#endif
#else
  static constexpr bool recycle = true;
#endif

  struct Block {
    Block* next;
  };
  struct Bin {
    Block* first = nullptr;
    std::size_t count = 0;
  };

  static std::size_t bin_of(std::size_t size) { return (size - 1) / step; }

  static thread_local std::array<Bin, bins> kept_;
};
// Without a constructor and a destructor of its own, so that nothing has to be asked when it is
// used.
inline constinit thread_local std::array<Frames::Bin, Frames::bins> Frames::kept_{};
