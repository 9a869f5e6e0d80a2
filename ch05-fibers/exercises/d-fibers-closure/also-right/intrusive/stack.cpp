#include "stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace {

const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

std::system_error refused(int error, const char* what) {
  return {error, std::generic_category(), what};
}

}  // namespace

// Memory of the heap: its first page loses its rights, and gets them back before the heap does.
Stack::Stack(std::size_t size) {
  size = (size + page - 1) / page * page + page;
  void* start = ::operator new(size, std::align_val_t(page), std::nothrow);
  if (start == nullptr) throw refused(ENOMEM, "new (see vm.max_map_count)");
  if (::mprotect(start, page, PROT_NONE) == -1) {
    int error = errno;
    ::operator delete(start, std::align_val_t(page));
    throw refused(error, "mprotect (see vm.max_map_count)");
  }
  mapping_ = {static_cast<std::byte*>(start), size};
  guard_size_ = page;
}

Stack::Stack(Stack&& other) noexcept { *this = std::move(other); }

Stack& Stack::operator=(Stack&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(guard_size_, other.guard_size_);
  return *this;
}

Stack::~Stack() {
  if (mapping_.empty()) return;
  ::mprotect(mapping_.data(), guard_size_, PROT_READ | PROT_WRITE);
  ::operator delete(mapping_.data(), std::align_val_t(page));
}
