// The suite of ch03/b-libc-syscall.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "net/fd.hpp"
#include "testing/faults.hpp"
#include "testing/line_program.hpp"
#include "testing/program.hpp"
#include "write.hpp"

using testing::Faults;

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
  // What has been written so far, which must be less than a page; closes the pipe for writing.
  std::string written() {
    writer.close();
    std::array<char, page> buffer;
    std::string text;
    while (ssize_t count = ::read(reader.get(), buffer.data(), buffer.size())) {
      REQUIRE(count > 0);
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
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

TEST_CASE("write_all() writes everything, with one call if the kernel takes it at once") {
  Pipe pipe;
  std::size_t before = testing::calls("write*");
  write_all(pipe.writer.get(), "at once");
  CHECK(testing::calls("write*") == before + 1);
  CHECK(pipe.written() == "at once");
}

TEST_CASE("write_all() goes by the size of the text, which may be nothing, or have zeros in it") {
  Pipe pipe;
  write_all(pipe.writer.get(), "");
  write_all(pipe.writer.get(), {});
  write_all(pipe.writer.get(), std::string_view("a\0\nb and more", 4));
  write_all(pipe.writer.get(), "once more");
  CHECK(pipe.written() == std::string("a\0\nbonce more", 13));
}

TEST_CASE("write_all() does not lose the upper half of a size: more than 4 GiB") {
  // Only the first page of it can be read: a pipe takes no more, and nobody has to look further.
  // (An emulator does.)
  constexpr std::size_t size = (std::size_t{1} << 32) + 5;
  void* start =
      ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED || testing::emulated()) {
    MESSAGE("skipped: this system does not give that much address space");
    return;
  }
  REQUIRE(::mprotect(start, page, PROT_READ) == 0);
  Pipe pipe(O_NONBLOCK);
  CHECK_THROWS_WITH_AS(write_all(pipe.writer.get(), {static_cast<const char*>(start), size}),
                       "write: Resource temporarily unavailable", std::system_error);
  ::munmap(start, size);
}

TEST_CASE("write_all() goes on where the kernel took only a part") {
  Pipe pipe;
  Faults faults("write*:short");
  write_all(pipe.writer.get(), "one byte at a time");
  CHECK(pipe.written() == "one byte at a time");
}

TEST_CASE("write_all() asks again if a signal came before the first byte") {
  std::string plan;
  for (int call = 1; call <= 20; ++call) plan += "write*:" + std::to_string(call) + ":EINTR ";
  Pipe pipe;
  Faults faults(plan);
  write_all(pipe.writer.get(), "after all");
  CHECK(pipe.written() == "after all");
}

TEST_CASE("write_all() goes on where it was, if a signal comes after a part") {
  Pipe pipe;
  Faults faults("write*:short write*:2:EINTR write*:4:EINTR write*:5:EINTR write*:9:EINTR");
  write_all(pipe.writer.get(), "one byte at a time");
  CHECK(pipe.written() == "one byte at a time");
}

TEST_CASE("what errno held before has nothing to do with it") {
  Pipe pipe;
  for (int before : {EBADF, EINTR, EAGAIN}) {
    errno = before;
    write_all(pipe.writer.get(), "fine ");
  }
  errno = EINTR;
  CHECK_THROWS_WITH_AS(write_all(-1, "x"), "write: Bad file descriptor", std::system_error);
  CHECK(pipe.written() == "fine fine fine ");
}

TEST_CASE("an error is thrown with the name of the call and the system's reason") {
  Pipe pipe;
  for (int reason : {EPERM, EIO, EBADF, EFAULT, EINVAL, EFBIG, ENOSPC, EPIPE, EDQUOT, EAGAIN}) {
    std::string name = ::strerrorname_np(reason);
    INFO(name);
    Faults faults("write*:1:" + name);
    int number = 0;
    try {
      write_all(pipe.writer.get(), "x");
    } catch (const std::system_error& error) {
      number = error.code().value();
      CHECK(error.what() == "write: " + std::generic_category().message(reason));
    }
    CHECK(number == reason);
  }
  CHECK(pipe.written() == "");
}

TEST_CASE("an error after a part is thrown, too, and nothing more is written") {
  Pipe pipe;
  Faults faults("write*:short write*:3:EIO");
  CHECK_THROWS_WITH_AS(write_all(pipe.writer.get(), "four"), "write: Input/output error",
                       std::system_error);
  CHECK(pipe.written() == "fo");
}

TEST_CASE("a reason is not lost on the way (\"Not a typewriter\": isatty() in old stdio)") {
  net::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  CHECK_THROWS_WITH_AS(write_all(full.get(), "x"), "write: No space left on device",
                       std::system_error);
}

TEST_CASE("a reader that is gone is an error, if the program does not want to die of it") {
  Pipe pipe;
  pipe.reader.close();
  std::signal(SIGPIPE, SIG_IGN);
  CHECK_THROWS_WITH_AS(write_all(pipe.writer.get(), "x"), "write: Broken pipe", std::system_error);
}

TEST_CASE("a full pipe that shall not block is an error, not a busy loop") {
  Pipe pipe(O_NONBLOCK);
  CHECK_THROWS_WITH_AS(write_all(pipe.writer.get(), std::string(page + 1, 'x')),
                       "write: Resource temporarily unavailable", std::system_error);
}

TEST_CASE("a file that takes nothing, and gives no reason, is an error, not an endless loop") {
  net::Fd memory = open_memory_of_the_dead();
  if (!memory) {
    MESSAGE("skipped: this system does not open the memory of another process");
    return;
  }
  REQUIRE(::lseek(memory.get(), page, SEEK_SET) == page);
  errno = EINTR;  // from some call before
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
