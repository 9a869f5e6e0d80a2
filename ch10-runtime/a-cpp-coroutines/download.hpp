#pragma once
// A request in flight.

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "tcp_stream.hpp"

// A state machine. No call of it blocks: where it cannot go on, it remembers how far it has come.
class Download {
 public:
  // Begins to connect. All else is for advance() to do: send GET /{delay}/{name}, and collect the
  // answer.
  Download(const net::Address& server, std::string name, std::chrono::milliseconds delay)
      : name_(std::move(name)),
        stream_(net::Fd::checked(
            ::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")) {
    std::string path = "/" + std::to_string(delay.count()) + "/" + name_;
    narrate::start(name_, "GET ", path);
    unsent_ = http::get_request(path, server.to_string());
    // EINPROGRESS and EINTR: the kernel goes on with it. 0: the connection stands already, which
    // needs no case of its own, because then the socket is writable.
    if (::connect(fd().get(), server.data(), server.size()) == -1 && errno != EINPROGRESS &&
        errno != EINTR)
      throw net::last_error("connect");
  }

  // Goes one step on. False: there is nothing to be done before the socket becomes readable or
  // writable. Throws std::system_error("connect") if there is no connection, and http::ParseError
  // if the server closes it too early, or sends what is not HTTP.
  bool advance() {
    if (state_ == State::connecting) return finish_connect();
    if (state_ == State::sending) return send_some();
    return read_some();
  }

  [[nodiscard]] bool done() const { return parser_.done(); }
  [[nodiscard]] const http::Response& response() const { return parser_.response(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const net::Fd& fd() const { return stream_.fd(); }

 private:
  enum class State {
    connecting,  // connect() has been called, and its result is not known yet
    sending,     // the connection stands; unsent_ is not empty
    receiving,   // the request is sent; done when the parser says so
  };

  // Fetches the result of connect(). False: it is still going on.
  bool finish_connect() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd().get(), SOL_SOCKET, SO_ERROR, &error, &size) == -1)
      throw net::last_error("getsockopt");
    if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
    // "No error" is what a connection says that stands, and also one that is still being made. The
    // difference: only the first has somebody at the other end.
    sockaddr_storage peer{};
    size = sizeof peer;
    if (::getpeername(fd().get(), reinterpret_cast<sockaddr*>(&peer), &size) == -1) {
      if (errno == ENOTCONN) return false;
      throw net::last_error("getpeername");
    }
    narrate::say("connect", name_, "the connection stands");
    state_ = State::sending;
    return true;
  }

  // Offers the kernel what it has not taken yet. False: it has no room.
  bool send_some() {
    std::optional<std::size_t> count = stream_.write(unsent_);
    if (!count) return false;
    narrate::say("send", name_, *count, " bytes");
    unsent_.erase(0, *count);
    if (unsent_.empty()) state_ = State::receiving;
    return true;
  }

  // Takes what has arrived. False: nothing had.
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

  std::string name_;
  TcpStream stream_;
  State state_ = State::connecting;
  std::string unsent_;
  http::ResponseParser parser_;
};
