#pragma once
// The other end of the benches that send to and fro: a process of its own, which counts nowhere. It
// sends back what it gets, by a loop around epoll and nothing else.

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <optional>

#include "net/address.hpp"
#include "net/fd.hpp"
#include "net/tcp_listener.hpp"

class EchoServer {
 public:
  EchoServer() {
    net::TcpListener listener = net::TcpListener::bind(net::Address::parse("127.0.0.1:0"));
    address_ = listener.address();
    child_ = ::fork();
    if (child_ == -1) throw net::last_error("fork");
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve(listener.fd().get());
    }
  }
  EchoServer(const EchoServer&) = delete;
  ~EchoServer() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] const net::Address& address() const { return *address_; }

 private:
  [[noreturn]] static void serve(int listener) {
    int queue = ::epoll_create1(EPOLL_CLOEXEC);
    auto add = [&](int fd) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      ::epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);
    };
    add(listener);
    std::array<epoll_event, 64> events;
    std::array<char, 4096> buffer;
    while (true) {
      int count = ::epoll_wait(queue, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener) {
          add(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
          continue;
        }
        ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size <= 0)
          ::close(fd);
        else
          (void)!::send(fd, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL);
      }
    }
  }

  std::optional<net::Address> address_;
  pid_t child_ = -1;
};
