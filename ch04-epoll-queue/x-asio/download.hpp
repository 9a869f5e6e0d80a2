#pragma once
// A request in flight.

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"

// Asio's errors of the system are errno values in a category of its own, which (in version 1.22)
// does not compare with std::errc. In the generic category they do, as all others of the course.
inline std::system_error failed(const char* operation, std::error_code error) {
  return std::system_error(error.value(), std::generic_category(), operation);
}

// What was on the stack of fetch() while it waited is now an object: nobody waits here, so what we
// know so far has to live somewhere until the next bytes come. Each step asks for an operation and
// returns at once; the next step is its callback, which io_context::run() calls.
class Download {
 public:
  // Begins: GET /{delay}/{name}. All the rest follows by itself, in io_context::run(), which throws
  // what goes wrong: std::system_error with the operation's name, or http::ParseError.
  Download(asio::io_context& context, const net::Address& server, std::string name,
           std::chrono::milliseconds delay)
      : name_(std::move(name)), stream_(context) {
    std::string path = "/" + std::to_string(delay.count()) + "/" + name_;
    narrate::start(name_, "GET ", path);
    request_ = http::get_request(path, server.to_string());
    connect(server);
  }
  // Stays where it is: callbacks hold `this`, and operations hold pointers into our buffers.
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  [[nodiscard]] bool done() const { return parser_.done(); }
  [[nodiscard]] const http::Response& response() const { return parser_.response(); }

 private:
  void connect(const net::Address& server) {
    asio::ip::tcp::endpoint endpoint;
    endpoint.resize(server.size());
    std::memcpy(endpoint.data(), server.data(), server.size());
    stream_.async_connect(endpoint, [this](std::error_code error) {
      if (error) throw failed("connect", error);
      write_all();
    });
  }

  void write_all() {
    // asio::buffer() copies nothing: the bytes must live until the callback.
    asio::async_write(stream_, asio::buffer(request_), [this](std::error_code error, std::size_t) {
      if (error) throw failed("send", error);
      read_some();
    });
  }

  // Asks for what arrives next, up to a buffer full of it.
  void read_some() {
    narrate::say("register", name_, "one read into our buffer");
    stream_.async_read_some(
        asio::buffer(buffer_), [this](std::error_code error, std::size_t count) {
          // The end of the stream is an error to Asio. To us it is an answer, as it is to read().
          if (error && error != asio::error::eof) throw failed("read", error);
          narrate::say("read", name_, count, " bytes");
          if (count == 0) {
            parser_.finish();  // complete now, or this throws
          } else {
            parser_.feed({buffer_.data(), count});
          }
          if (done()) {
            narrate::done(name_, response().status, " ", response().reason, ": ", response().body);
          } else {
            read_some();
          }
        });
  }

  std::string name_;
  asio::ip::tcp::socket stream_;
  std::string request_;
  std::array<char, 4096> buffer_;
  http::ResponseParser parser_;
};
