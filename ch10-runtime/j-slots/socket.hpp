#pragma once
// A connection whose calls suspend the coroutine where those of chapter 3 block the thread.

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "executor.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "reactor.hpp"
#include "task.hpp"
#include "wait.hpp"

// One coroutine at a time; and not longer than the executor.
class Socket {
 public:
  // Throws std::system_error("connect") where nobody listens. Whatever waits longer than until the
  // deadline, this or another call, throws std::system_error with ETIMEDOUT.
  static Task<Socket> connect(net::Address server, std::string name,
                              Clock::time_point deadline = never) {
    net::Fd fd = net::Fd::checked(
        ::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    // EINPROGRESS and EINTR: the kernel goes on with it.
    if (::connect(fd.get(), server.data(), server.size()) == -1 && errno != EINPROGRESS &&
        errno != EINTR)
      throw net::last_error("connect");
    // Only now is it watched: before, the kernel says of it that its other end has gone.
    Socket socket(std::move(fd), std::move(name), deadline);
    while (!socket.is_connected())
      socket.check_in_time(co_await Wait(socket.registration_.writable(), deadline));
    narrate::say("connect", socket.name_, "the connection stands");
    co_return socket;
  }

  // Sends all of it. It must live until then.
  Task<> write(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count == -1 && errno == EINTR) continue;
      if (count == -1 && errno != EAGAIN) throw net::last_error("send");
      if (count == -1) {
        check_in_time(co_await Wait(registration_.writable(), deadline_));
        continue;
      }
      narrate::say("send", name_, count, " bytes");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  // Waits until there are some, and returns how many. 0: the other end has closed.
  Task<std::size_t> read(std::span<char> buffer) {
    while (true) {
      // First wait, then try: the word knows whether there is something to try for.
      check_in_time(co_await Wait(registration_.readable(), deadline_));
      ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count == -1 && errno == EAGAIN) continue;
      if (count == -1 && errno != EINTR) throw net::last_error("recv");
      // Only what has given less than it was asked for has nothing more.
      if (count == -1 || static_cast<std::size_t>(count) == buffer.size())
        registration_.readable().set();
      if (count == -1) continue;
      narrate::say("read", name_, count, " bytes");
      co_return static_cast<std::size_t>(count);
    }
  }

 private:
  // What a Wait has returned.
  void check_in_time(bool late) const {
    if (late) throw std::system_error(ETIMEDOUT, std::generic_category(), name_);
  }

  Socket(net::Fd fd, std::string name, Clock::time_point deadline)
      : name_(std::move(name)),
        deadline_(deadline),
        fd_(std::move(fd)),
        registration_(Executor::current().reactor().add(fd_, name_)) {}

  // False: it is still going on.
  [[nodiscard]] bool is_connected() const {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == -1)
      throw net::last_error("getsockopt");
    if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
    // "No error" is also what one says that is still being made. It has nobody at the other end.
    sockaddr_storage peer{};
    size = sizeof peer;
    if (::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0) return true;
    if (errno != ENOTCONN) throw net::last_error("getpeername");
    return false;
  }

  std::string name_;
  Clock::time_point deadline_;
  net::Fd fd_;
  Registration registration_;  // ends before the connection
};
