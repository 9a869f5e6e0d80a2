#include "stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace {

std::system_error refused(const char* call) {
  int error = errno;
  // Each stack takes two places in the kernel's list of mappings: its own, and its guard's.
  return {error, std::generic_category(),
          std::string(call) + ": no room for one more stack (is vm.max_map_count too low?)"};
}

}  // namespace

Stack::Stack(std::size_t size) {
  auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::size_t total = (size + page - 1) / page * page + page;
  // Only addresses are taken now. Memory comes page by page, when it is touched for the first time.
  void* start = ::mmap(nullptr, total, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (start == MAP_FAILED) throw refused("mmap");
  mapping_ = {static_cast<std::byte*>(start), total};
  guard_size_ = page;
  // Stacks grow down: the page with the lowest addresses is the one behind the end.
  if (::mprotect(start, page, PROT_NONE) == -1) {
    std::system_error error = refused("mprotect");
    ::munmap(start, total);
    throw error;
  }
}

Stack::Stack(Stack&& other) noexcept
    : mapping_(std::exchange(other.mapping_, {})),
      guard_size_(std::exchange(other.guard_size_, 0)) {}

Stack& Stack::operator=(Stack&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(guard_size_, other.guard_size_);
  return *this;
}

Stack::~Stack() {
  if (!mapping_.empty()) ::munmap(mapping_.data(), mapping_.size());
}
