#pragma once
// What every stage that makes requests promises as a program, checked in the same way in every
// suite. `program` is the stage's program, linked with course::faults.

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "net/address.hpp"
#include "testing/program.hpp"

namespace testing {

// The options that let it talk to `server`, with a time unit of 20 ms: five requests, 100 to 20 ms.
// (Where a stage does not make five, its suite says how many.)
[[nodiscard]] std::vector<std::string> stage_options(const net::Address& server);

// Checks that it has all its requests on their way before it needs the first answer: none is given
// before the fifth request has come (or the last one, of another number). Returns what it has
// printed, and the calls that it made. (The answers come in the order of the requests: whether a
// program has registered a source by then, or does so later, it sees them in the same order.)
// `faults`: such as "read*:1:EAGAIN", so that it cannot happen to find its first answer there.
CountedResult check_all_in_flight(const std::string& program, const std::string& faults = "",
                                  std::size_t requests = 5);

// Checks that it takes from each connection what has come, and stays with none: the answers come in
// two parts, the first parts of all before the second ones, the last request first, and each is too
// long to be sent to a program that does not read it.
void check_takes_turns(const std::string& program);

// Checks that interrupted system calls and single bytes at a time change nothing in its result. It
// names the family of calls (see faults.hpp) that the stage waits with, as the stages before it do
// not, without its star: "epoll_wait".
void check_ordinary_life(const std::string& program, const std::string& waiting_call = "",
                         std::size_t requests = 5);
// The same with other faults, for a stage that makes other calls: {"recv:every:EINTR"}.
void check_faults(const std::string& program, const std::vector<std::string>& plans,
                  std::size_t requests = 5);

// Checks that a missing server, an answer cut short, bytes that are no answer and a broken
// connection each end it with exit status 1 and one line that says why. It names the calls that
// the stage reads with; "": none that could be made to fail, so a peer breaks the connection.
void check_error_reports(const std::string& program, const std::string& reading_call = "read*");

// Checks that with --trace it writes a Chrome trace whose requests begin and end.
void check_trace(const std::string& program, std::size_t requests = 5);

}  // namespace testing

// These three, as the last cases of a suite: COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM,
// "epoll_wait"), and behind that how many requests the program makes, if not five. (The program is
// named there: g++ uses no precompiled header that mentions what is defined later.)
#define COURSE_REQUEST_STAGE_CASES(program, waiting_call, ...)                                  \
  TEST_CASE("the program puts answers together from single bytes, and does not mind signals") { \
    testing::check_ordinary_life(program, waiting_call __VA_OPT__(, ) __VA_ARGS__);             \
  }                                                                                             \
  TEST_CASE("the program says in one line what went wrong, and exits with 1") {                 \
    testing::check_error_reports(program);                                                      \
  }                                                                                             \
  TEST_CASE("the program records its requests in a trace") {                                    \
    testing::check_trace(program __VA_OPT__(, ) __VA_ARGS__);                                   \
  }
