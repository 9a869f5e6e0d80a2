#include "testing/line_program.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "net/fd.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

namespace testing {
namespace {

struct Pipe {
  net::Fd reader, writer;
};

Pipe make_pipe(int flags) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), flags) == -1) throw net::last_error("pipe2");
  return {net::Fd(ends[0]), net::Fd(ends[1])};
}

// Runs it with this redirection of a shell's: ">&-", ">/dev/full".
process::Result run_redirected(const std::string& path, const std::string& redirection) {
  process::Command command = program(path);
  std::vector<std::string> shell{"/bin/sh", "-c", "exec \"$@\" " + redirection, "sh"};
  command.arguments.insert(command.arguments.begin(), shell.begin(), shell.end());
  return process::run(command, patience_with_stages());
}

// Runs it with this descriptor for its standard output.
process::Result run_into(const std::string& path, const net::Fd& output) {
  process::Command command = program(path);
  command.output = output.get();
  return process::run(command, patience_with_stages());
}

void check_error(const process::Result& result, const std::string& reason) {
  INFO("standard error: ", result.err);
  REQUIRE(result.exit.describe() == "exit status 1");
  bool is_one_line = !result.err.empty() && result.err.find('\n') == result.err.size() - 1;
  CHECK(is_one_line);
  bool gives_the_reason = result.err.find(reason) != std::string::npos;
  CHECK_MESSAGE(gives_the_reason, "it should say: ", reason);
}

}  // namespace

void check_line(const std::string& program, const std::string& line) {
  // In packet mode a pipe keeps apart what was written apart.
  Pipe pipe = make_pipe(O_DIRECT | O_CLOEXEC);
  process::Result result = run_into(program, pipe.writer);
  INFO("standard error: ", result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  CHECK(result.err.empty());
  pipe.writer.close();
  std::vector<std::string> writes;
  for (;;) {
    std::array<char, 4096> buffer;
    ssize_t count;
    do {
      count = ::read(pipe.reader.get(), buffer.data(), buffer.size());
    } while (count == -1 && errno == EINTR);
    if (count == -1) throw net::last_error("read");
    if (count == 0) break;
    writes.emplace_back(buffer.data(), static_cast<std::size_t>(count));
  }
  CHECK(writes == std::vector<std::string>{line});
}

void check_output_errors(const std::string& program, const std::string& closed,
                         const std::string& full, const std::string& broken) {
  {
    INFO("standard output is closed");
    check_error(run_redirected(program, ">&-"), closed);
  }
  {
    INFO("standard output is /dev/full");
    check_error(run_redirected(program, ">/dev/full"), full);
  }
  INFO("nobody reads standard output");
  Pipe pipe = make_pipe(O_CLOEXEC);
  pipe.reader.close();
  check_error(run_into(program, pipe.writer), broken);
}

}  // namespace testing
