// What five kinds of queue report about one and the same stream, in five situations, when they are
// asked twice in a row. The text's table is made of it; ./run prints it below its own.

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#if __has_include(<asio.hpp>)
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#endif

#include <array>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../x-io-uring/ring.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

namespace {

struct Stream {
  Stream() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
      throw net::last_error("socketpair");
    near = net::Fd(ends[0]);
    far = net::Fd(ends[1]);
  }
  void arrive(std::size_t count) const {
    std::string bytes(count, 'x');
    if (::send(far.get(), bytes.data(), count, MSG_NOSIGNAL) == -1) throw net::last_error("send");
  }
  void read(std::size_t count) const {
    std::string bytes(count, '\0');
    if (::recv(near.get(), bytes.data(), count, 0) == -1) throw net::last_error("recv");
  }
  net::Fd near, far;
};

// A kind of queue, as far as this comparison needs it.
struct Queue {
  const Stream& stream;
  std::function<int()> look;  // is it reported now? Asks once, and does not wait.
  // Asks for up to 60 bytes; only those that complete operations have it. The others are told by us
  // what the reader does: read().
  std::function<void()> ask = nullptr;
};

int look_twice(Queue& queue) { return queue.look() + queue.look(); }

// How often it was reported in each of the five situations.
std::array<int, 5> reports(Queue queue) {
  std::array<int, 5> counts{};
  if (queue.ask) queue.ask();
  queue.stream.arrive(100);
  counts[0] = look_twice(queue);
  if (!queue.ask) queue.stream.read(60);  // else it is done: the operation has read them
  counts[1] = look_twice(queue);
  queue.stream.arrive(10);
  counts[2] = look_twice(queue);
  if (queue.ask) queue.ask();
  counts[3] = look_twice(queue);
  if (!queue.ask) queue.stream.read(60);
  counts[4] = look_twice(queue);
  return counts;
}

std::array<int, 5> with_poll() {
  Stream stream;
  return reports({stream, [&] {
                    pollfd source{stream.near.get(), POLLIN, 0};
                    return ::poll(&source, 1, 0);
                  }});
}

std::array<int, 5> with_epoll(std::uint32_t trigger) {
  Stream stream;
  net::Fd queue = net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event wanted{};
  wanted.events = EPOLLIN | trigger;
  if (::epoll_ctl(queue.get(), EPOLL_CTL_ADD, stream.near.get(), &wanted) == -1)
    throw net::last_error("epoll_ctl");
  return reports({stream, [&] {
                    epoll_event event{};
                    return ::epoll_wait(queue.get(), &event, 1, 0);
                  }});
}

std::optional<std::array<int, 5>> with_io_uring() {
  std::array<char, 60> buffer;
  std::array<char, 1> other_buffer;
  Stream stream, other;
  try {
    Ring ring(8);
    return reports({stream,
                    // wait() would sleep if nothing completed: something else always does.
                    [&] {
                      ring.recv(other.near, other_buffer, 2);
                      other.arrive(1);
                      int count = 0;
                      for (bool other_came = false; !other_came;)
                        for (const Completion& one : ring.wait()) {
                          if (one.token == 1) ++count;
                          if (one.token == 2) other_came = true;
                        }
                      return count;
                    },
                    [&] { ring.recv(stream.near, buffer, 1); }});
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return std::nullopt;
  }
}

std::optional<std::array<int, 5>> with_asio() {
#if __has_include(<asio.hpp>)
  std::array<char, 60> buffer;
  Stream stream;
  asio::io_context context(1);
  asio::local::stream_protocol::socket socket(context, asio::local::stream_protocol(),
                                              ::fcntl(stream.near.get(), F_DUPFD_CLOEXEC, 0));
  return reports(
      {stream,
       [&] {
         context.restart();
         return static_cast<int>(context.poll());
       },
       [&] { socket.async_read_some(asio::buffer(buffer), [](std::error_code, std::size_t) {}); }});
#else
  std::fprintf(stderr, "Asio is missing; as root, type: apt-get install -y libasio-dev\n");
  return std::nullopt;
#endif
}

void example() {
  narrate::set_silent(true);
  std::vector<std::optional<std::array<int, 5>>> columns = {
      with_poll(), with_epoll(0), with_epoll(EPOLLET), with_asio(), with_io_uring()};
  const std::array<const char*, 5> situations = {"100 bytes have arrived", "60 of them are read",
                                                 "10 more have arrived",
                                                 "the next read is asked for", "all is read"};
  std::printf("%-28s%8s%8s%8s%8s%10s\n", "reports, of two", "poll", "epoll", "EPOLLET", "Asio",
              "io_uring");
  for (std::size_t row = 0; row < situations.size(); ++row) {
    std::printf("%-28s", situations[row]);
    for (std::size_t column = 0; column < columns.size(); ++column) {
      std::string cell = columns[column] ? std::to_string((*columns[column])[row]) : "?";
      std::printf(column + 1 == columns.size() ? "%10s\n" : "%8s", cell.c_str());
    }
  }
}

}  // namespace

int main() { return stage::run(example); }
