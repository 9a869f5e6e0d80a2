#pragma once
// A request in flight.

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
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
//
// It lives on a queue that reports a source also when it becomes writable. Begin there: poll.hpp is
// still that of ch04/a.
class Download {
 public:
  // Begins to connect. All else is for advance() to do: send GET /{delay}/{name}, and collect the
  // answer.
  Download(const net::Address& server, std::string name, std::chrono::milliseconds delay)
      // A socket that blocks in no call and is not inherited takes the place of net::Fd():
      : name_(std::move(name)), stream_(net::Fd()) {
    std::string path = "/" + std::to_string(delay.count()) + "/" + name_;
    narrate::start(name_, "GET ", path);
    unsent_ = http::get_request(path, server.to_string());
    throw std::logic_error("connecting is yours to write");
  }

  // Goes one step on. False: there is nothing to be done before the socket becomes readable or
  // writable. Throws std::system_error("connect") if there is no connection, and http::ParseError
  // if the server closes it too early, or sends what is not HTTP.
  bool advance() { throw std::logic_error("Download::advance() is yours to write"); }

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

  // What advance() does while connecting: fetches the result of connect() from the socket. False:
  // it is still going on. Narrate:  narrate::say("connect", name_, "the connection stands");
  bool finish_connect() { throw std::logic_error("finish_connect() is yours to write"); }

  // … while sending: offers the kernel what it has not taken yet. False: it has no room.
  // Narrate:  narrate::say("send", name_, count, " bytes");
  bool send_some() { throw std::logic_error("send_some() is yours to write"); }

  // … and while receiving (as in ch04/a): takes what has arrived. False: nothing had.
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
