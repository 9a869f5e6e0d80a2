#pragma once
// Starts threads, and says so where that fails.

#include <system_error>
#include <thread>
#include <utility>

// The kernel limits the number of threads, and their memory. std::jthread's own error has only the
// reason ("Resource temporarily unavailable"), not what could not be done.
template <class Action>
std::jthread start_thread(Action action) {
  try {
    return std::jthread(std::move(action));
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "cannot start a thread");
  }
}
