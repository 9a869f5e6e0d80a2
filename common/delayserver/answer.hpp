#pragma once
// What the delayserver answers to a request, and in which pieces. Only values here: no sockets, no
// clock.

#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>

#include "delayserver/server.hpp"
#include "http/request_parser.hpp"

namespace delay {

// What a request may ask for. More is refused: 400 for a number, 414 for a message.
inline constexpr std::chrono::milliseconds max_delay{600'000};  // of an answer, gaps included
inline constexpr std::size_t max_message = 4096;                // bytes, decoded
inline constexpr std::size_t max_fill = 16 * 1024 * 1024;       // bytes
inline constexpr std::size_t max_chunk = 64 * 1024;             // bytes

enum class Fault {
  none,
  reset,     // no answer: the connection is reset
  truncate,  // half of the body, then the end
  garbage,   // bytes that are no HTTP, then the end
  stall,     // nothing at all
};

struct Answer {
  int status = 200;      // 100: go_on(), nothing of the following counts
  std::string text;      // the body, or what it repeats
  std::size_t size = 0;  // of the body, in bytes
  const char* type = "text/plain; charset=utf-8";

  bool delayed = false;  // it is for /{ms}/{message}: logged and counted
  std::chrono::milliseconds delay{0};
  std::size_t chunk = 0;  // the body in pieces of this many bytes; 0: as it suits us
  std::chrono::milliseconds gap{0};
  Fault fault = Fault::none;

  bool http_1_1 = true;       // what the client speaks
  bool keep_alive = false;    // what the client expects
  bool body_omitted = false;  // the request was HEAD

  // Where the answer ends: after all of the body, none of it, or half.
  [[nodiscard]] std::size_t body_end() const;
  // The next bytes to send. `sent` is how much of the body has been sent (0: begins with the head)
  // and is advanced to how much has when these are; at body_end() the answer is complete. `close`:
  // the head says that this is the connection's last answer; `now` is its date.
  [[nodiscard]] std::string next_piece(std::size_t& sent, bool close, std::time_t now) const;
};

// Whatever the request, there is an answer; `stats` are for GET /stats.
[[nodiscard]] Answer answer_to(const http::Request& request, const Stats& stats);
// To what is no request, or no complete one.
[[nodiscard]] Answer refusal(int status, const std::string& why);
// Before the answer, to a client that asks whether it may send the body (Expect: 100-continue).
[[nodiscard]] Answer go_on();

}  // namespace delay
