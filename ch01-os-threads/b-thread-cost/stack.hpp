#pragma once
// What a thread costs in memory while it waits.

#include <pthread.h>

#include <cstddef>
#include <fstream>
#include <latch>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "start_thread.hpp"

// The memory that this process has in use. The kernel counts it, mapping by mapping.
inline std::size_t resident_kib() {
  std::ifstream mappings("/proc/self/smaps");
  std::size_t sum = 0;
  for (std::string line; std::getline(mappings, line);)
    if (line.starts_with("Rss:")) sum += std::stoul(line.substr(4));
  if (sum == 0) throw std::runtime_error("cannot read /proc/self/smaps");
  return sum;
}

struct Stack {
  std::size_t reserved_kib;  // addresses that nothing else can have
  double resident_kib;       // memory, for this and for all else that a thread needs in our process
};

// Starts this many threads, and looks at them while all of them sleep.
inline Stack stack_of_a_sleeping_thread(int threads) {
  std::size_t before = resident_kib();
  std::latch started(threads);
  std::mutex door;
  std::vector<std::jthread> sleepers;
  std::unique_lock closed(door);  // opened before they are joined, whatever happens in between
  for (int i = 0; i != threads; ++i)
    sleepers.push_back(start_thread([&] {
      started.count_down();
      std::lock_guard wait(door);
    }));
  started.wait();

  pthread_attr_t attributes;
  if (int error = ::pthread_getattr_np(sleepers.front().native_handle(), &attributes); error != 0)
    throw std::system_error(error, std::generic_category(), "pthread_getattr_np");
  std::size_t reserved = 0;
  ::pthread_attr_getstacksize(&attributes, &reserved);
  ::pthread_attr_destroy(&attributes);

  double growth = static_cast<double>(resident_kib()) - static_cast<double>(before);
  return {reserved / 1024, growth / threads};
}
