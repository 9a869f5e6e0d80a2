#pragma once
// What every stage needs around its example, and what no stage is about: the two options of those
// that make requests, and a clear line for what went wrong.

#include <chrono>

#include "net/address.hpp"

namespace stage {

struct Options {
  net::Address server = net::Address::parse("127.0.0.1:8080");  // --server HOST:PORT
  std::chrono::milliseconds unit{1000};  // --unit-ms N: what the example calls "a second"
  bool flag = false;                     // the stage's own, if it has one
};

// An option that one stage has: "--dangling", and its line of --help.
struct Flag {
  const char* name = nullptr;
  const char* help = "";
};

// Reads the options (also --trace FILE), runs the example, and returns the exit status for main():
//   int main(int argc, char** argv) { return stage::run(argc, argv, example); }
// 0 if the example returned; 1 with one line on standard error if it threw, for example because no
// server listens; 2 for options that are wrong.
//
// What nobody catches on another thread, or in a destructor, ends the program in the same way: the
// line, and exit status 1.
int run(int argc, char** argv, void (*example)(const Options&), const Flag& flag = {});

// The same for an example that makes no requests, and so takes no options.
int run(void (*example)());

}  // namespace stage
