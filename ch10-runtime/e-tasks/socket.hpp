#pragma once
// A connection whose calls suspend the coroutine where those of chapter 3 block the thread.

#include <sys/socket.h>

#include <cerrno>
#include <coroutine>
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

// One coroutine at a time; and not longer than the reactor.
class Socket {
 public:
  // Throws std::system_error("connect") where nobody listens.
  static Task<Socket> connect(net::Address server, std::string name) {
    Socket socket(
        net::Fd::checked(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                         "socket"),
        std::move(name));
    // EINPROGRESS and EINTR: the kernel goes on with it.
    if (::connect(socket.fd_.get(), server.data(), server.size()) == -1 && errno != EINPROGRESS &&
        errno != EINTR)
      throw net::last_error("connect");
    while (!socket.is_connected()) co_await socket.ready();
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
        co_await ready();
        continue;
      }
      narrate::say("send", name_, count, " bytes");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  // Waits until there are some, and returns how many. 0: the other end has closed.
  Task<std::size_t> read(std::span<char> buffer) {
    while (true) {
      ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count != -1) {
        narrate::say("read", name_, count, " bytes");
        co_return static_cast<std::size_t>(count);
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) throw net::last_error("recv");
      co_await ready();
    }
  }

 private:
  // Stops until something has happened since it was last asked. So: first try, then wait. What
  // comes between the two is kept by the reactor.
  class Ready {
   public:
    explicit Ready(Registration& registration) : registration_(registration) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      return registration_.wait(handle, Executor::current().ready());
    }
    void await_resume() const noexcept {}

   private:
    Registration& registration_;
  };
  Ready ready() { return Ready(registration_); }

  Socket(net::Fd fd, std::string name)
      : name_(std::move(name)),
        fd_(std::move(fd)),
        registration_(Reactor::current().add(fd_, name_)) {}

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
  net::Fd fd_;
  Registration registration_;  // ends before the connection
};
