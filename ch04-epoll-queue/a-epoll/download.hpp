#pragma once
// A request in flight.

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "tcp_stream.hpp"

// What was on the stack of fetch() while it waited is now an object: nobody waits here, so what we
// know so far has to live somewhere until the next bytes come.
class Download {
 public:
  // Connects and sends the request: GET /{delay}/{name}. The answer is for read_some() to collect.
  Download(const net::Address& server, std::string name, std::chrono::milliseconds delay)
      : name_(std::move(name)), stream_(TcpStream::connect(server)) {
    std::string path = "/" + std::to_string(delay.count()) + "/" + name_;
    narrate::start(name_, "GET ", path);
    stream_.write_all(http::get_request(path, server.to_string()));
    stream_.set_nonblocking();
  }

  // Takes what has arrived. False: nothing had. Throws http::ParseError if the server closes the
  // connection too early, or sends what is not HTTP. The end of a stream stays there: after it,
  // every call returns true, so ask until done(), and never until false.
  bool read_some() {
    std::array<char, 4096> buffer;
    std::optional<std::size_t> count = stream_.read(buffer);
    if (!count) return false;
    narrate::say("read", name_, *count, " bytes");
    if (*count == 0) {
      parser_.finish();  // complete now, or this throws
    } else {
      parser_.feed({buffer.data(), *count});
    }
    if (done())
      narrate::done(name_, response().status, " ", response().reason, ": ", response().body);
    return true;
  }

  [[nodiscard]] bool done() const { return parser_.done(); }
  [[nodiscard]] const http::Response& response() const { return parser_.response(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const net::Fd& fd() const { return stream_.fd(); }

 private:
  std::string name_;
  TcpStream stream_;
  http::ResponseParser parser_;
};
