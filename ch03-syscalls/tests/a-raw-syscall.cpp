// The suite of ch03/a-raw-syscall.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <future>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "net/fd.hpp"
#include "testing/faults.hpp"
#include "testing/line_program.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "write.hpp"

namespace {

constexpr int page = 4096;

// A pipe that holds one page.
struct Pipe {
  net::Fd reader, writer;
  explicit Pipe(int flags = 0) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | flags) == 0);
    reader = net::Fd(ends[0]);
    writer = net::Fd(ends[1]);
    REQUIRE(::fcntl(writer.get(), F_SETPIPE_SZ, page) == page);
  }
  [[nodiscard]] bool full() const {
    int bytes = 0;
    REQUIRE(::ioctl(reader.get(), FIONREAD, &bytes) == 0);
    return bytes == page;
  }
  // What comes, until so many bytes or the end.
  [[nodiscard]] std::string read(std::size_t size) const {
    std::string text(size, ' ');
    std::size_t count = 0;
    while (count < size) {
      ssize_t more = ::read(reader.get(), text.data() + count, size - count);
      if (more == -1 && errno == EINTR) continue;
      REQUIRE(more != -1);
      if (more == 0) break;
      count += static_cast<std::size_t>(more);
    }
    text.resize(count);
    return text;
  }
};

// A thread that writes all of a text, closes the pipe, and can be interrupted while it sleeps in
// write(). The linker's wrappers do not see a raw system call, so this takes a real signal, and the
// kernel's word for what the thread does.
class Writer {
 public:
  Writer(Pipe& pipe, std::string_view text) : pipe_(pipe) {
    struct sigaction action{};
    action.sa_handler = [](int) {};  // without SA_RESTART: a call that sleeps is broken off
    REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
    std::promise<pid_t> id;
    std::future<pid_t> known = id.get_future();
    thread_ = std::thread([this, text, &id] {
      id.set_value(::gettid());
      try {
        write_all(pipe_.writer.get(), text);
      } catch (const std::exception& error) {
        error_ = error.what();
      }
      pipe_.writer.close();
    });
    id_ = known.get();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    if (!thread_.joinable()) return;
    std::signal(SIGPIPE, SIG_IGN);  // a case has failed: this ends the thread with an error
    pipe_.reader.close();
    thread_.join();
  }

  // The error that ended it, or nothing; waits for its end.
  std::string error() {
    thread_.join();
    return error_;
  }

  // Waits until it sleeps in write(), and interrupts it there.
  void interrupt() {
    auto ended = [&] { return status("State:").empty(); };
    // It has nothing else to sleep for when the pipe is full.
    auto asleep = [&] { return pipe_.full() && status("State:") == "S"; };
    REQUIRE(testing::eventually([&] { return ended() || asleep(); }));
    REQUIRE_FALSE_MESSAGE(ended(), "write_all() has ended before everything was written");
    REQUIRE(::pthread_kill(thread_.native_handle(), SIGUSR1) == 0);
    // A signal is pending until the kernel has broken off the call, and turns to the handler.
    auto pending = [&] {
      std::string mask = status("SigPnd:");
      return !mask.empty() && (std::stoull(mask, nullptr, 16) >> (SIGUSR1 - 1)) % 2 == 1;
    };
    REQUIRE(testing::eventually([&] { return !pending(); }));
  }

 private:
  // What the kernel says about the thread; nothing when it has ended.
  [[nodiscard]] std::string status(std::string_view field) const {
    std::ifstream file("/proc/self/task/" + std::to_string(id_) + "/status");
    for (std::string name, value; file >> name;)
      if (name == field && file >> value) return value;
    return "";
  }

  Pipe& pipe_;
  std::thread thread_;
  pid_t id_ = 0;
  std::string error_;
};

// A file that write(2) answers with 0, without an error: the memory of a process that has ended.
net::Fd open_memory_of_the_dead() {
  pid_t child = ::fork();
  REQUIRE(child != -1);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  net::Fd memory(::open(("/proc/" + std::to_string(child) + "/mem").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  return memory;
}

}  // namespace

TEST_CASE("raw_write() returns how many bytes the kernel took") {
  Pipe pipe;
  CHECK(raw_write(pipe.writer.get(), "four", 4) == 4);
  pipe.writer.close();
  CHECK(pipe.read(100) == "four");
}

TEST_CASE("raw_write() offers as many bytes as it is told, and no more") {
  Pipe pipe;
  CHECK(raw_write(pipe.writer.get(), "four and more", 4) == 4);
  CHECK(raw_write(pipe.writer.get(), "", 0) == 0);
  pipe.writer.close();
  CHECK(pipe.read(100) == "four");
}

TEST_CASE("raw_write() returns minus the number of the error, and leaves errno alone") {
  Pipe pipe;
  errno = 0;
  CHECK(raw_write(-1, "x", 1) == -EBADF);
  CHECK(raw_write(pipe.writer.get(), nullptr, 1) == -EFAULT);
  CHECK(errno == 0);
}

TEST_CASE("raw_write() makes the call itself, without libc") {
  Pipe pipe;
  std::size_t before = testing::calls("write");
  CHECK(raw_write(pipe.writer.get(), "x", 1) == 1);
  CHECK(testing::calls("write") == before);
}

TEST_CASE("raw_write() leaves nothing stale in memory, and nothing strange in registers") {
  // For this, the suite is optimised in every build (chapter.json). Without "memory" g++ thinks
  // that nobody reads `byte`; without "rcx" and "r11" compilers keep some of the sums there.
  Pipe pipe;
  volatile unsigned long zero = 0;
  unsigned long a = zero, b = zero, c = zero, d = zero, e = zero, f = zero, g = zero, h = zero;
  unsigned long i = zero, j = zero, k = zero, l = zero, m = zero, n = zero, o = zero, p = zero;
  int fd = pipe.writer.get();
  long count = 0;
  char byte = '-';
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    byte = letter;
    count += raw_write(fd, &byte, 1);
    a += zero, b += a, c += b, d += c, e += d, f += e, g += f, h += g;
    i += h, j += i, k += j, l += k, m += l, n += m, o += n, p += o;
  }
  CHECK(count == 26);
  pipe.writer.close();
  CHECK(pipe.read(100) == "abcdefghijklmnopqrstuvwxyz");
  CHECK((a | b | c | d | e | f | g | h | i | j | k | l | m | n | o | p) == 0);
}

TEST_CASE("write_all() goes on where a signal has cut it short") {
  std::string sent = std::string(page, 'a') + std::string(page, 'b') + "c";
  Pipe pipe;
  Writer writer(pipe, sent);
  writer.interrupt();  // the kernel has taken one page of it
  CHECK(pipe.read(sent.size()) == sent);
  CHECK(writer.error() == "");
}

TEST_CASE("write_all() asks again if a signal came before the first byte") {
  Pipe pipe;
  std::string before(page, '.');
  REQUIRE(raw_write(pipe.writer.get(), before.data(), before.size()) == page);
  Writer writer(pipe, "after all");
  writer.interrupt();
  CHECK(pipe.read(page + 9) == before + "after all");
  CHECK(writer.error() == "");
}

TEST_CASE("an error is thrown with the name of the call and the system's reason") {
  CHECK_THROWS_WITH_AS(write_all(-1, "x"), "write: Bad file descriptor", std::system_error);
  net::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  CHECK_THROWS_WITH_AS(write_all(full.get(), "x"), "write: No space left on device",
                       std::system_error);
  try {
    write_all(-1, "x");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::bad_file_descriptor);
  }
}

TEST_CASE("a reader that is gone is an error, if the program does not want to die of it") {
  Pipe pipe;
  pipe.reader.close();
  std::signal(SIGPIPE, SIG_IGN);
  CHECK_THROWS_WITH_AS(write_all(pipe.writer.get(), "x"), "write: Broken pipe", std::system_error);
}

TEST_CASE("a full pipe that shall not block is an error, not a busy loop") {
  Pipe pipe(O_NONBLOCK);
  std::string text(page + 1, 'x');
  CHECK_THROWS_WITH_AS(write_all(pipe.writer.get(), text),
                       "write: Resource temporarily unavailable", std::system_error);
  CHECK(pipe.full());  // what there was room for has been written
}

TEST_CASE("a file that takes nothing, and gives no reason, is an error, not an endless loop") {
  net::Fd memory = open_memory_of_the_dead();
  if (!memory) {
    MESSAGE("skipped: this system does not open the memory of another process");
    return;
  }
  REQUIRE(::lseek(memory.get(), page, SEEK_SET) == page);
  CHECK_THROWS_WITH_AS(write_all(memory.get(), "x"), "write: Input/output error",
                       std::system_error);
}

TEST_CASE("the program writes its line, and it reaches the kernel in one piece") {
  testing::check_line(STAGE_PROGRAM, "The kernel wrote this line.\n");
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM, "write: Bad file descriptor",
                               "write: No space left on device", "write: Broken pipe");
}
