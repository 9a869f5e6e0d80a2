#pragma once
// Inside the two parsers: what requests and responses have in common on the wire. Not for others.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace http::wire {

// The bytes are wrong: why, and the status that a server would answer.
class Error : public std::runtime_error {
 public:
  Error(int status, const std::string& why) : std::runtime_error(why), status_(status) {}
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

// How the end of a body is found.
struct Framing {
  enum Kind { unstated, none, length, until_close, chunked } kind = unstated;
  std::uint64_t bytes = 0;  // of the kind `length`
};
// What the headers say; throws where they contradict each other.
[[nodiscard]] Framing framing(const std::vector<Header>& headers, int minor_version);

// The x of "HTTP/1.x". Throws 400 for what is no version, 505 for another major one.
[[nodiscard]] int minor_version(std::string_view version);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool is_token(std::string_view text) noexcept;  // such as names of headers, methods
[[nodiscard]] bool is_text(std::string_view text) noexcept;   // no control bytes but tabs
// The text for an error message: in quotes, shortened, and with nothing unprintable.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string_view without_blanks(std::string_view text) noexcept;  // around it
// Calls use(element) for every element of a comma-separated list, the empty ones included.
template <class Use>
void for_each_element(std::string_view list, Use use) {
  for (;;) {
    std::size_t comma = list.find(',');
    use(without_blanks(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

// Reads the parts of a message, in order; the parser that owns it decides what comes next. Each
// call takes what belongs to its part off the front of `bytes`, and keeps what it needs of an
// unfinished line; so the bytes may be split anywhere. All throw Error.
class Reader {
 public:
  explicit Reader(Limits limits) : limits_(limits) {}

  // The first line of the message, without its end, or no value until it is complete. The view is
  // valid until the next call.
  [[nodiscard]] std::optional<std::string_view> first_line(std::string_view& bytes);
  // Counts that line as a header, because another message follows that belongs to the same whole.
  void count_first_line();
  // Appends the headers to `headers` (a null pointer: checks and drops them); true once the empty
  // line after the last one is taken.
  [[nodiscard]] bool headers(std::string_view& bytes, std::vector<Header>* headers);
  // What kind of body comes; throws where one is announced that exceeds the limit.
  void expect(Framing framing);
  // Appends the body to `body` (a null pointer: drops it); true once it is complete.
  [[nodiscard]] bool body(std::string_view& bytes, std::string* body);

  // What expect() was told.
  [[nodiscard]] const Framing& expected() const noexcept { return framing_; }
  // Part of a line has arrived, and more than the CR of an empty one.
  [[nodiscard]] bool inside_line() const noexcept {
    return !partial_line_.empty() && partial_line_ != "\r";
  }
  [[nodiscard]] std::string_view unfinished_line() const noexcept { return partial_line_; }
  void reset();  // ready for another message

 private:
  enum class Chunk { size, data, end_of_data, trailers };

  [[nodiscard]] std::optional<std::string_view> line(std::string_view& bytes, std::size_t limit,
                                                     int status, const char* too_long,
                                                     std::size_t most = 0);
  void count_header_bytes(std::size_t size);
  void expect_data(std::uint64_t size);
  bool data(std::string_view& bytes, std::string* body);
  bool chunks(std::string_view& bytes, std::string* body);

  Limits limits_;
  std::string partial_line_;  // what has arrived of the line that is being read
  std::string line_;          // keeps a complete line that arrived in pieces
  std::size_t first_line_bytes_ = 0;
  std::size_t header_bytes_ = 0;
  std::size_t header_count_ = 0;
  Framing framing_;
  Chunk chunk_ = Chunk::size;
  std::uint64_t left_ = 0;        // of the body or the chunk: to come
  std::uint64_t body_bytes_ = 0;  // of the body: announced so far
};

}  // namespace http::wire
