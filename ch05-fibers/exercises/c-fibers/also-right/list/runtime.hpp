#pragma once
// Fibers: functions that take turns on one thread, each on a stack of its own.

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "context.hpp"
#include "sanitizers.hpp"

// A stack that the kernel gives, and takes back when its fiber has returned.
class Mapping {
 public:
  static constexpr std::size_t size = 256 * 1024;
  Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();
  [[nodiscard]] std::span<std::byte> bytes() const { return {start_, size}; }

 private:
  std::byte* start_;
};

struct Fiber {
  Fiber(std::string its_name, void (*function)(), void (*guard)())
      : name(std::move(its_name)), context(prepare(stack.bytes(), function, guard)) {}

  std::string name;
  Mapping stack;
  StackWatch watch{stack.bytes()};
  Context context;
  bool returned = false;
};

// Fibers that are switched to by run(), and by nobody else: a fiber always switches back to it.
class Runtime {
 public:
  static constexpr std::size_t max_fibers = 4;

  Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  void spawn(void (*function)());
  void run();

 private:
  friend void yield();
  static void guard();
  void back(bool ends);

  std::deque<std::unique_ptr<Fiber>> ready_;
  std::unique_ptr<Fiber> current_;  // null: no fiber is running
  Context home_;                    // of whoever has called run()
  StackWatch home_watch_;
  std::size_t unfinished_ = 0, spawned_ = 0;
};

void yield();
