// The delayserver as a program: options, log, trace and signals around delay::Server.

#include <CLI/CLI.hpp>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "delayserver/server.hpp"
#include "narrate/trace.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"

namespace {

struct Arguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string port_file;
  std::string trace;
  bool quiet = false;
  std::size_t max_connections = 0;
};

// ---- The log

// Lines on standard output. Nothing that happens to it may hold up the answers: a reader who pauses
// (a full pipe, Ctrl-S) misses lines, and one who has left is not written to any more.
class Log {
 public:
  void line(const std::string& text) {
    if (closed_) return;
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    if (::poll(&out, 1, 0) == 0) {
      ++missed_;
      return;
    }
    std::string lines = text + "\n";
    if (missed_ > 0) lines = "(" + std::to_string(missed_) + " lines are missing here)\n" + lines;
    // A pipe that is ready has room for PIPE_BUF, 4096 bytes, so this does not block.
    ssize_t written;
    do written = ::write(STDOUT_FILENO, lines.data(), lines.size());
    while (written == -1 && errno == EINTR);
    missed_ = 0;
    closed_ = written == -1;
  }

 private:
  bool closed_ = false;
  std::uint64_t missed_ = 0;
};

// What a terminal can be trusted with: a message may hold any bytes, and a terminal obeys some.
std::string printable(std::string_view text) {
  constexpr std::size_t enough = 200;
  constexpr const char* digits = "0123456789abcdef";
  std::string result;
  for (char c : text.substr(0, enough)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      result += c;
    else
      result = result + "\\x" + digits[byte / 16] + digits[byte % 16];
  }
  if (text.size() > enough) result += "... (" + std::to_string(text.size()) + " bytes)";
  return result;
}

std::string id(const delay::Exchange& one) { return "#" + std::to_string(one.number); }

std::string title(const delay::Exchange& one) {
  return id(one) + " - " + std::to_string(one.delay.count()) + "ms: " + printable(one.message);
}

// ---- Signals

delay::Server* server_to_stop = nullptr;  // set before the handlers are
bool say_so = false;                      // somebody watches
volatile std::sig_atomic_t asked_before = 0;

void on_signal(int number) {
  if (asked_before != 0) ::_exit(128 + number);  // as a shell reports it
  asked_before = 1;
  server_to_stop->stop();
  if (!say_so) return;
  constexpr std::string_view note = "\nfinishing what is in flight; Ctrl-C again ends it at once\n";
  int saved = errno;
  [[maybe_unused]] ssize_t size = ::write(STDERR_FILENO, note.data(), note.size());
  errno = saved;
}

void stop_on_signals(delay::Server& server) {
  server_to_stop = &server;
  say_so = ::isatty(STDERR_FILENO) == 1;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

// ---- The rest of its surroundings

// Every connection takes a descriptor, and the usual limit of 1024 is for programs that use
// select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // where that is refused, the limit stays what it was
}

// Tells other programs the port, for as long as we listen. Whoever sees the file sees all of it.
class PortFile {
 public:
  PortFile(std::string path, std::uint16_t port) : path_(std::move(path)) {
    std::string unfinished = path_ + "." + std::to_string(::getpid());
    errno = 0;
    std::ofstream file(unfinished);
    file << port << "\n";
    file.close();
    if (!file || ::rename(unfinished.c_str(), path_.c_str()) == -1) {
      int error = errno != 0 ? errno : EIO;
      ::unlink(unfinished.c_str());
      throw std::system_error(error, std::generic_category(),
                              "cannot write the port file " + path_);
    }
  }
  PortFile(const PortFile&) = delete;
  PortFile& operator=(const PortFile&) = delete;
  ~PortFile() { ::unlink(path_.c_str()); }

 private:
  std::string path_;
};

std::string explain(const std::system_error& error, const net::Address& address) {
  std::string where = address.to_string(), port = std::to_string(address.port());
  if (error.code() == std::errc::address_in_use)
    return where +
           " is taken: choose another port (--port 0 finds a free one), or see who has it: " +
           "ss -ltnp 'sport = :" + port + "'";
  if (error.code() == std::errc::permission_denied)
    return where + " is not for everybody: choose a --port from 1024 on, or 0 for any";
  if (error.code() == std::errc::address_not_available)
    return where + " is no address of this machine: --host must be one, such as 127.0.0.1";
  return error.what();
}

void serve(const Arguments& arguments, delay::Options options) {
  std::optional<narrate::Trace> trace;
  if (!arguments.trace.empty()) trace.emplace(arguments.trace, "delayserver");
  Log log;
  options.on_request = [&](const delay::Exchange& one) {
    if (!arguments.quiet) log.line(title(one));
    if (trace) trace->record({'b', title(one), id(one), "", one.received});
  };
  options.on_answer = [&](const delay::Exchange& one) {
    if (trace) trace->record({'e', title(one), id(one), one.lost ? "lost" : "", one.answered});
  };

  delay::Server server(std::move(options));
  stop_on_signals(server);
  std::optional<PortFile> port_file;
  if (!arguments.port_file.empty()) port_file.emplace(arguments.port_file, server.address().port());
  log.line("delayserver listens on http://" + server.address().to_string() + "  (Ctrl-C stops it)");
  server.run();
  if (trace) trace->finish();
}

}  // namespace

int main(int argc, char** argv) {
  net::reserve_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed standard output is no reason to die
  raise_descriptor_limit();

  Arguments arguments;
  CLI::App app("An HTTP server whose answers take as long as the request asks for: /1000/hello");
  app.add_option("--host", arguments.host, "address or name to listen on")->capture_default_str();
  app.add_option("--port", arguments.port, "port to listen on; 0: any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  app.add_option("--port-file", arguments.port_file, "write the port to this file, once we listen");
  app.add_flag("--quiet", arguments.quiet, "do not log the requests");
  app.add_option("--trace", arguments.trace,
                 "write a Chrome trace of the requests to this file (ui.perfetto.dev)");
  app.add_option("--max-connections", arguments.max_connections,
                 "more connections wait; 0: as many as descriptors allow")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  app.footer(
      "A client that closes its sending side (such as nc -N) has left: it gets no answer.\n");
  delay::Options options;
  try {
    app.parse(argc, argv);
    options.address = net::Address::resolve(arguments.host, arguments.port);
    options.max_connections = arguments.max_connections;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& error) {
    std::cerr << "--host: " << error.what() << "\n";
    return 2;
  }

  net::Address address = options.address;
  try {
    serve(arguments, std::move(options));
    return 0;
  } catch (const std::system_error& error) {
    std::cerr << explain(error, address) << "\n";
    return error.code() == std::errc::address_not_available ? 2 : 1;
  }
}
