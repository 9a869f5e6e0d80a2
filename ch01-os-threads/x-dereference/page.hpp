#pragma once
// A page: the smallest piece of memory that has access rights of its own.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

#include "net/fd.hpp"

// A page with one int in it, and nothing else: nobody is harmed when its rights are taken away.
class Page {
 public:
  explicit Page(int number)
      : start_(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (start_ == MAP_FAILED) throw net::last_error("mmap");
    number_ = new (start_) int(number);
  }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() { ::munmap(start_, size_); }

  [[nodiscard]] const int* number() const { return number_; }

  // From now on this process may neither read nor write the page; what is in it stays. False if the
  // kernel refuses.
  [[nodiscard]] bool forbid() { return ::mprotect(start_, size_, PROT_NONE) == 0; }

 private:
  const std::size_t size_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* start_;
  const int* number_;
};
