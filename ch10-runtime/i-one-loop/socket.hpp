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

#include "cancel.hpp"
#include "executor.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"
#include "task.hpp"

// One coroutine at a time; and not longer than the executor.
class Socket {
 public:
  // Throws std::system_error("connect") where nobody listens. Whatever waits longer than until the
  // deadline, this or another call, throws std::system_error with ETIMEDOUT.
  static Task<Socket> connect(net::Address server, std::string name,
                              Clock::time_point deadline = never) {
    Socket socket(
        net::Fd::checked(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                         "socket"),
        std::move(name), deadline);
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
  // Stops until something has happened since it was last asked, or until the deadline. So: first
  // try, then wait. What comes between the two is kept by the reactor. Throws Cancelled, and then
  // nothing has been read or written: what has arrived meanwhile is still there.
  class Ready {
   public:
    explicit Ready(Socket& socket) : socket_(socket) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
      // First the way to stop it, then the handle. A stop between the two leaves a readiness
      // behind.
      stop_.begin(handle, Wake{&socket_.registration_, &Executor::current().ready()});
      return socket_.registration_.wait(handle, socket_.deadline_);
    }
    void await_resume() {
      stop_.end();
      stop_.throw_if_stopped();
      if (!socket_.registration_.timed_out()) return;
      throw std::system_error(ETIMEDOUT, std::generic_category(), socket_.name_);
    }

   private:
    struct Wake {
      Registration* registration;
      ReadyQueue* queue;
      void operator()() const {
        if (std::coroutine_handle<> handle = registration->cancel()) queue->push(handle);
      }
    };

    Socket& socket_;
    StopWatch<Wake> stop_;
  };
  Ready ready() { return Ready(*this); }

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
