#pragma once
// What every stage that makes requests needs around its example, and what no stage is about: the
// two options, and a clear line for what went wrong.

#include <chrono>

#include "net/address.hpp"

namespace stage {

struct Options {
  net::Address server = net::Address::parse("127.0.0.1:8080");  // --server HOST:PORT
  std::chrono::milliseconds unit{1000};  // --unit-ms N: what the example calls "a second"
};

// Reads the options (also --trace FILE), runs the example, and returns the exit status for main():
//   int main(int argc, char** argv) { return stage::run(argc, argv, example); }
// 0 if the example returned; 1 with one line on standard error if it threw, for example because no
// server listens; 2 for options that are wrong.
int run(int argc, char** argv, void (*example)(const Options&));

}  // namespace stage
