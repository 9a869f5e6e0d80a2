#pragma once
// A request in flight.

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "tcp_stream.hpp"

// What was on the stack of fetch() while it waited is now an object: nobody waits here, so what we
// know so far has to live somewhere until the next bytes come.
class Download {
 public:
  // Connects and sends the request: GET /{delay}/{name}. The answer is for take() to collect.
  Download(const net::Address& server, std::string name, std::chrono::milliseconds delay)
      : name_(std::move(name)), stream_(TcpStream::connect(server)) {
    std::string path = "/" + std::to_string(delay.count()) + "/" + name_;
    narrate::start(name_, "GET ", path);
    stream_.write_all(http::get_request(path, server.to_string()));
  }
  // Stays where it is: the kernel writes into our buffer.
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  // Where an operation may put what arrives next.
  [[nodiscard]] std::span<char> buffer() { return buffer_; }

  // Takes what an operation has put into the buffer, by its result: a count, or -errno. Throws
  // std::system_error("recv"), or http::ParseError if the server closes the connection too early,
  // or sends what is not HTTP.
  void take(int result) {
    if (result == -EINTR || result == -EAGAIN) return;  // nothing yet: the caller asks again
    if (result < 0) throw std::system_error(-result, std::generic_category(), "recv");
    narrate::say("read", name_, result, " bytes");
    if (result == 0) {
      parser_.finish();  // complete now, or this throws
    } else {
      parser_.feed({buffer_.data(), static_cast<std::size_t>(result)});
    }
    if (done())
      narrate::done(name_, response().status, " ", response().reason, ": ", response().body);
  }

  [[nodiscard]] bool done() const { return parser_.done(); }
  [[nodiscard]] const http::Response& response() const { return parser_.response(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const net::Fd& fd() const { return stream_.fd(); }

 private:
  std::string name_;
  TcpStream stream_;
  std::array<char, 4096> buffer_;
  http::ResponseParser parser_;
};
