// What suites share must itself be right: the faults, the peer, how values are shown.

#include <doctest/doctest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/fd.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"

using namespace std::chrono_literals;
using testing::Faults;

namespace {

struct Ends {
  net::Fd one, other;
};
Ends socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  return {net::Fd(ends[0]), net::Fd(ends[1])};
}

// Every way to move `size` bytes of the buffer, which says what it returned.
using Move = std::function<ssize_t(int fd, char* bytes, std::size_t size)>;
msghdr message_of(iovec& part) {
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return message;
}
const std::map<std::string, Move> reads = {
    {"read", [](int fd, char* bytes, std::size_t size) { return ::read(fd, bytes, size); }},
    {"readv",
     [](int fd, char* bytes, std::size_t size) {
       iovec parts[] = {{bytes, 0}, {bytes, size}};
       return ::readv(fd, parts, 2);
     }},
    {"preadv2",
     [](int fd, char* bytes, std::size_t size) {
       iovec part{bytes, size};
       return ::preadv2(fd, &part, 1, -1, 0);
     }},
    {"recv", [](int fd, char* bytes, std::size_t size) { return ::recv(fd, bytes, size, 0); }},
    {"recvfrom", [](int fd, char* bytes,
                    std::size_t size) { return ::recvfrom(fd, bytes, size, 0, nullptr, nullptr); }},
    {"recvmsg",
     [](int fd, char* bytes, std::size_t size) {
       iovec part{bytes, size};
       msghdr message = message_of(part);
       ssize_t count = ::recvmsg(fd, &message, 0);
       CHECK(message.msg_iov == &part);
       return count;
     }},
};
const std::map<std::string, Move> writes = {
    {"write", [](int fd, char* bytes, std::size_t size) { return ::write(fd, bytes, size); }},
    {"writev",
     [](int fd, char* bytes, std::size_t size) {
       iovec parts[] = {{bytes, 0}, {bytes, size}};
       return ::writev(fd, parts, 2);
     }},
    {"pwritev2",
     [](int fd, char* bytes, std::size_t size) {
       iovec part{bytes, size};
       return ::pwritev2(fd, &part, 1, -1, 0);
     }},
    {"send", [](int fd, char* bytes, std::size_t size) { return ::send(fd, bytes, size, 0); }},
    {"sendto", [](int fd, char* bytes,
                  std::size_t size) { return ::sendto(fd, bytes, size, 0, nullptr, 0); }},
    {"sendmsg",
     [](int fd, char* bytes, std::size_t size) {
       iovec part{bytes, size};
       msghdr message = message_of(part);
       return ::sendmsg(fd, &message, 0);
     }},
};

// Every way to wait for at most this long, with nothing to wait for.
const std::map<std::string, std::function<void(std::chrono::milliseconds)>> polls = {
    {"poll",
     [](std::chrono::milliseconds time) { ::poll(nullptr, 0, static_cast<int>(time.count())); }},
    {"ppoll",
     [](std::chrono::milliseconds time) {
       timespec limit{0, time.count() * 1'000'000};
       ::ppoll(nullptr, 0, &limit, nullptr);
     }},
    {"select",
     [](std::chrono::milliseconds time) {
       timeval limit{0, time.count() * 1000};
       ::select(0, nullptr, nullptr, nullptr, &limit);
     }},
    {"pselect",
     [](std::chrono::milliseconds time) {
       timespec limit{0, time.count() * 1'000'000};
       ::pselect(0, nullptr, nullptr, nullptr, &limit, nullptr);
     }},
};
const std::map<std::string, std::function<void(std::chrono::milliseconds)>> epolls = {
    {"epoll_wait",
     [](std::chrono::milliseconds time) {
       net::Fd epoll(::epoll_create1(0));
       epoll_event event;
       ::epoll_wait(epoll.get(), &event, 1, static_cast<int>(time.count()));
     }},
    {"epoll_pwait",
     [](std::chrono::milliseconds time) {
       net::Fd epoll(::epoll_create1(0));
       epoll_event event;
       ::epoll_pwait(epoll.get(), &event, 1, static_cast<int>(time.count()), nullptr);
     }},
    {"epoll_pwait2",
     [](std::chrono::milliseconds time) {
       net::Fd epoll(::epoll_create1(0));
       epoll_event event;
       timespec limit{0, time.count() * 1'000'000};
       ::epoll_pwait2(epoll.get(), &event, 1, &limit, nullptr);
     }},
};

}  // namespace

TEST_CASE("a count and a fault of a family hold for each of its calls, on sockets or on all") {
  for (const auto& [family, on_sockets, ways] :
       {std::tuple{"read*", "recv*", reads}, std::tuple{"write*", "send*", writes}}) {
    for (const auto& [name, move] : ways) {
      CAPTURE(name);
      Ends ends = socket_pair();
      std::array<char, 3> bytes{'a', 'b', 'c'};
      REQUIRE(::send(ends.other.get(), "abc", 3, 0) == 3);
      std::size_t all = testing::calls(family), of_sockets = testing::calls(on_sockets),
                  alone = testing::calls(name);
      {
        Faults faults(std::string(on_sockets) + ":1:EINTR " + family + ":2:EIO " + family +
                      ":short");
        CHECK(move(ends.one.get(), bytes.data(), 3) == -1);
        CHECK(errno == EINTR);
        CHECK(move(ends.one.get(), bytes.data(), 3) == -1);
        CHECK(errno == EIO);
        CHECK(move(ends.one.get(), bytes.data(), 3) == 1);
        CHECK(move(ends.one.get(), bytes.data(), 1) == 1);
      }
      CHECK(testing::calls(family) == all + 4);
      CHECK(testing::calls(on_sockets) == of_sockets + 4);
      CHECK(testing::calls(name) == alone + 4);
    }
  }
}

TEST_CASE("what is no socket is read and written, but neither received nor sent") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  net::Fd reader(ends[0]), writer(ends[1]);
  std::size_t received = testing::calls("recv*"), sent = testing::calls("send*"),
              written = testing::calls("write*");
  Faults faults("recv*:1:EIO send*:1:EIO");
  char byte = 'x';
  CHECK(::write(writer.get(), &byte, 1) == 1);
  CHECK(::read(reader.get(), &byte, 1) == 1);
  CHECK(testing::calls("recv*") == received);
  CHECK(testing::calls("send*") == sent);
  CHECK(testing::calls("write*") == written + 1);
}

TEST_CASE("all that can sleep is of one family, and those that wait for events know their limit") {
  std::map<std::string, std::function<void(std::chrono::milliseconds)>> sleeps = {
      {"sleep_for", [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }},
      {"usleep",
       [](std::chrono::milliseconds time) { ::usleep(static_cast<useconds_t>(time.count())); }},
      {"clock_nanosleep",
       [](std::chrono::milliseconds time) {
         timespec limit{0, time.count()};
         ::clock_nanosleep(CLOCK_MONOTONIC, 0, &limit, nullptr);
       }},
      {"wait_for of a condition variable",
       [](std::chrono::milliseconds time) {
         std::mutex mutex;
         std::condition_variable condition;
         std::unique_lock lock(mutex);
         condition.wait_for(lock, time);
       }},
      {"wait_until of a condition variable",
       [](std::chrono::milliseconds time) {
         std::mutex mutex;
         std::condition_variable condition;
         std::unique_lock lock(mutex);
         condition.wait_until(lock, std::chrono::system_clock::now() + time);
       }},
  };
  for (const auto& [family, ways] : {std::pair{"poll*", polls}, std::pair{"epoll_wait*", epolls}}) {
    for (const auto& [name, wait] : ways) {
      CAPTURE(name);
      std::size_t before = testing::calls(family);
      wait(7ms);
      CHECK(testing::calls(family) == before + 1);
      CHECK(testing::last_timeout() == 7);
    }
    sleeps.insert(ways.begin(), ways.end());
  }
  for (const auto& [name, sleep] : sleeps) {
    CAPTURE(name);
    std::size_t before = testing::calls("nanosleep*");
    sleep(1ms);
    CHECK(testing::calls("nanosleep*") == before + 1);
    Faults faults("nanosleep*:1:EINTR");
    sleep(1ms);  // sleep_for() goes on with the rest
    CHECK(testing::calls("nanosleep*") >= before + 2);
  }
}

TEST_CASE("the limit of a wait passes on demand, without time; a wait without one goes on") {
  net::Fd event = net::Fd::checked(::eventfd(1, EFD_CLOEXEC), "eventfd");
  pollfd ready{event.get(), POLLIN, 0};
  Faults faults("poll*:every:ETIME");
  CHECK(::poll(&ready, 1, 3'600'000) == 0);
  CHECK(::poll(&ready, 1, -1) == 1);
}

TEST_CASE("\"every\" fails twice in a row, and lets the third call through") {
  Ends ends = socket_pair();
  Faults faults("write:every:EINTR");
  for (ssize_t result : {-1, -1, 1, -1, -1, 1}) CHECK(::write(ends.one.get(), "x", 1) == result);
}

TEST_CASE("faults inside others end with their object, and then the outer ones go on") {
  Ends ends = socket_pair();
  Faults outer("write:2:EIO");
  CHECK(::write(ends.one.get(), "x", 1) == 1);
  {
    Faults inner("write:1:EPIPE");
    CHECK(::write(ends.one.get(), "x", 1) == -1);
    CHECK(errno == EPIPE);
    CHECK(::write(ends.one.get(), "x", 1) == 1);
  }
  CHECK(::write(ends.one.get(), "x", 1) == -1);
  CHECK(errno == EIO);
  CHECK(::write(ends.one.get(), "x", 1) == 1);
}

TEST_CASE(
    "an action comes after the Nth call of its thread, and before the caller sees its answer") {
  Ends ends = socket_pair();
  char byte = 0;
  std::vector<int> seen;
  testing::After after("read*", 2, [&](int fd) {
    seen.push_back(fd);
    CHECK(::write(ends.other.get(), "x", 1) == 1);
    errno = EIO;  // is not what the caller sees
  });
  std::thread([&] {  // does not count
    for (int i = 0; i < 5; ++i) CHECK(::recv(ends.one.get(), &byte, 1, MSG_DONTWAIT) == -1);
  })
      .join();
  CHECK(::recv(ends.one.get(), &byte, 1, MSG_DONTWAIT) == -1);
  CHECK_FALSE(after.has_run());
  CHECK(::recv(ends.one.get(), &byte, 1, MSG_DONTWAIT) == -1);
  CHECK(errno == EAGAIN);
  CHECK(after.has_run());
  CHECK(::recv(ends.one.get(), &byte, 1, MSG_DONTWAIT) == 1);
  CHECK(seen == std::vector{ends.one.get()});
}

TEST_CASE("an action for any thread counts the calls that have begun before it, too") {
  net::Fd event = net::Fd::checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
  std::atomic<bool> waits = false, goes_on = false, gone_on = false;
  std::thread other([&] {
    pollfd ready{event.get(), POLLIN, 0};
    waits = true;
    CHECK(::poll(&ready, 1, -1) == 1);
    gone_on = true;
  });
  CHECK(testing::eventually([&] { return waits.load(); }));
  {
    auto action = [&](int) { CHECK(testing::eventually([&] { return goes_on.load(); })); };
    testing::After after("poll*", 1, action, testing::After::Of::any_thread);
    CHECK(::eventfd_write(event.get(), 1) == 0);
    CHECK_FALSE(gone_on);
    goes_on = true;
    CHECK(testing::eventually([&] { return after.has_run(); }));
  }
  other.join();
  CHECK(gone_on);
}

TEST_CASE("words that are no fault, and names of no call, are refused") {
  for (const char* plan : {"read", "read:1", "read:1:EWHAT", "reads:1:EIO", "socket*:1:EIO"})
    CHECK_THROWS_AS(Faults{plan}, std::invalid_argument);
  CHECK_THROWS_AS((void)testing::calls("ppoll*"), std::invalid_argument);
}

TEST_CASE("a REQUIRE that fails in a peer's script fails the case, and the peer goes on" *
          doctest::should_fail()) {
  testing::Peer peer([](net::TcpStream stream) {
    testing::read_request(stream);
    REQUIRE(stream.fd().get() == -1);
  });
  std::array<char, 1> buffer;
  for (int i = 0; i < 2; ++i) {
    net::TcpStream stream = net::TcpStream::connect(peer.address());
    stream.write_all("\r\n\r\n");
    CHECK(stream.read(buffer) == 0);
  }
}
