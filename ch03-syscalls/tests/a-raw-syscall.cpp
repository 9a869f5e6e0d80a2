// The suite of ch03/a-raw-syscall.

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <functional>
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

// A text in which no two pages are equal.
std::string text_of(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 25);
  return text;
}

// A thread that writes something, closes the pipe, and can be interrupted while it sleeps in
// write(). The linker's wrappers do not see a raw system call, so this takes a real signal, and the
// kernel's word for what the thread does.
class Writer {
 public:
  Writer(Pipe& pipe, std::function<void()> write) : pipe_(pipe) {
    struct sigaction action{};
    action.sa_handler = [](int) {};  // without SA_RESTART: a call that sleeps is broken off
    REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
    std::promise<pid_t> id;
    std::future<pid_t> known = id.get_future();
    thread_ = std::thread([this, write = std::move(write), &id] {
      id.set_value(::gettid());
      try {
        write();
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
    await_sleep();
    REQUIRE(::pthread_kill(thread_.native_handle(), SIGUSR1) == 0);
    // A signal is pending until the kernel has broken off the call, and turns to the handler.
    auto pending = [&] {
      std::string mask = status("SigPnd:");
      return !mask.empty() && (std::stoull(mask, nullptr, 16) >> (SIGUSR1 - 1)) % 2 == 1;
    };
    REQUIRE(testing::eventually([&] { return !pending(); }));
  }

  // Waits until it sleeps in write(), and says whether the instruction that has entered the kernel
  // is one of this program's own. True where the kernel does not tell.
  [[nodiscard]] bool sleeps_in_our_code() const {
    await_sleep();
    std::ifstream file("/proc/self/task/" + std::to_string(id_) + "/syscall");
    std::uintptr_t instruction = 0;  // the last one of its words
    for (std::string word; file >> word;) instruction = std::stoull(word, nullptr, 0);
    if (instruction == 0 || testing::emulated()) return true;
    Dl_info there{}, here{};
    static const char ours = 0;
    return ::dladdr(reinterpret_cast<void*>(instruction), &there) != 0 &&
           ::dladdr(&ours, &here) != 0 && there.dli_fbase == here.dli_fbase;
  }

 private:
  void await_sleep() const {
    auto ended = [&] { return status("State:").empty(); };
    // It has nothing else to sleep for when the pipe is full.
    auto asleep = [&] { return pipe_.full() && status("State:") == "S"; };
    REQUIRE(testing::eventually([&] { return ended() || asleep(); }));
    REQUIRE_FALSE_MESSAGE(ended(), "it has ended, and has not written everything");
  }

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

// Address space of more than 4 GiB, of which only the first page can be read: a pipe takes no more,
// and nobody has to look further.
class Huge {
 public:
  Huge()
      : start_(
            ::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (start_ != MAP_FAILED) REQUIRE(::mprotect(start_, page, PROT_READ) == 0);
  }
  Huge(const Huge&) = delete;
  Huge& operator=(const Huge&) = delete;
  ~Huge() {
    if (start_ != MAP_FAILED) ::munmap(start_, size_);
  }
  // Nothing where the system does not give that much, or an emulator looks at all of it.
  [[nodiscard]] std::string_view text() const {
    if (start_ == MAP_FAILED || testing::emulated()) return {};
    return {static_cast<const char*>(start_), size_};
  }

 private:
  static constexpr std::size_t size_ = (std::size_t{1} << 32) + 5;
  void* start_;
};

// The compiler keeps `kept` below the stack pointer if it sees no call: whoever pushes something in
// inline assembly, where the compiler cannot see it, writes over it.
[[gnu::noinline]] int sum_of_what_is_kept_around_a_write(int fd) {
  volatile unsigned char kept[120];
  for (unsigned char i = 0; i < 120; ++i) kept[i] = i;
  long count = raw_write(fd, "x", 1);
  int sum = 0;
  for (unsigned char i = 0; i < 120; ++i) sum += kept[i];
  return count == 1 ? sum : -1;
}

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
  Pipe full(O_NONBLOCK);
  std::string text = text_of(10 * page);
  CHECK(raw_write(full.writer.get(), text.data(), text.size()) == page);
  CHECK(raw_write(full.writer.get(), text.data(), text.size()) == -EAGAIN);
  net::Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  CHECK(raw_write(null.get(), text.data(), text.size()) == 10 * page);
}

TEST_CASE("raw_write() offers as many bytes as it is told, and no more") {
  Pipe pipe;
  CHECK(raw_write(pipe.writer.get(), "four and more", 4) == 4);
  CHECK(raw_write(pipe.writer.get(), "", 0) == 0);
  CHECK(raw_write(pipe.writer.get(), "a\0b and more", 3) == 3);
  pipe.writer.close();
  CHECK(pipe.read(100) == std::string("foura\0b", 7));
}

TEST_CASE("raw_write() returns minus the number of the error, and leaves errno alone") {
  Pipe pipe;
  errno = 0;
  CHECK(raw_write(-1, "x", 1) == -EBADF);
  CHECK(raw_write(pipe.writer.get(), nullptr, 1) == -EFAULT);
  CHECK(errno == 0);
}

TEST_CASE("raw_write() returns what a signal has left of the call, a part or -EINTR") {
  Pipe pipe;
  std::string text = text_of(2 * page);
  long part = 0, nothing = 0;
  {
    Writer writer(pipe, [&] { part = raw_write(pipe.writer.get(), text.data(), text.size()); });
    writer.interrupt();
    CHECK(writer.error() == "");
  }
  CHECK(part == page);
  Pipe full;
  REQUIRE(raw_write(full.writer.get(), text.data(), page) == page);
  {
    Writer writer(full, [&] { nothing = raw_write(full.writer.get(), text.data(), text.size()); });
    writer.interrupt();
    CHECK(writer.error() == "");
  }
  CHECK(nothing == -EINTR);
}

TEST_CASE("raw_write() makes the call itself, without libc") {
  std::string text = text_of(page + 1);
  for (bool all : {false, true}) {
    INFO("by write_all(): ", all);
    Pipe pipe;
    std::size_t before = testing::calls("write*");
    Writer writer(pipe, [&] {
      if (all)
        write_all(pipe.writer.get(), text);
      else
        CHECK(raw_write(pipe.writer.get(), text.data(), text.size()) == page + 1);
      CHECK(testing::calls("write*") == before);
    });
    CHECK(writer.sleeps_in_our_code());
    CHECK(pipe.read(page + 1) == text);
    CHECK(writer.error() == "");
  }
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

TEST_CASE("raw_write() happens each time, and leaves the stack alone") {
  Pipe pipe;
  (void)raw_write(pipe.writer.get(), "y", 1);  // nobody looks at the results, and both are equal
  (void)raw_write(pipe.writer.get(), "y", 1);
  CHECK(sum_of_what_is_kept_around_a_write(pipe.writer.get()) == 119 * 120 / 2);
  pipe.writer.close();
  CHECK(pipe.read(100) == "yyx");
}

TEST_CASE("write_all() goes on where a signal has cut it short") {
  std::string sent = text_of(4 * page + 1), received;
  Pipe pipe;
  Writer writer(pipe, [&] { write_all(pipe.writer.get(), sent); });
  for (int part = 0; part < 3; ++part) {
    writer.interrupt();  // the kernel has taken one page of it, …
    writer.interrupt();  // … and now, nothing
    received += pipe.read(page);
  }
  received += pipe.read(sent.size());
  CHECK(received == sent);
  CHECK(writer.error() == "");
}

TEST_CASE("write_all() asks again if a signal came before the first byte") {
  Pipe pipe;
  std::string before = text_of(page);
  REQUIRE(raw_write(pipe.writer.get(), before.data(), before.size()) == page);
  Writer writer(pipe, [&] { write_all(pipe.writer.get(), "after all"); });
  for (int signals = 0; signals < 20; ++signals) writer.interrupt();
  CHECK(pipe.read(page + 9) == before + "after all");
  CHECK(writer.error() == "");
}

TEST_CASE("write_all() goes by the size of the text, which may be nothing, or have zeros in it") {
  Pipe pipe;
  write_all(pipe.writer.get(), "");
  write_all(pipe.writer.get(), {});
  write_all(pipe.writer.get(), std::string_view("a\0\nb and more", 4));
  write_all(pipe.writer.get(), "once more");
  pipe.writer.close();
  CHECK(pipe.read(100) == std::string("a\0\nbonce more", 13));
}

TEST_CASE("a size does not lose its upper half: more than 4 GiB") {
  Huge huge;
  std::string_view text = huge.text();
  if (text.empty()) {
    MESSAGE("skipped: this system does not give that much address space");
    return;
  }
  Pipe pipe(O_NONBLOCK), other(O_NONBLOCK);
  CHECK(raw_write(pipe.writer.get(), text.data(), text.size()) == page);
  CHECK_THROWS_WITH_AS(write_all(other.writer.get(), text),
                       "write: Resource temporarily unavailable", std::system_error);
  CHECK(other.full());
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
