// The delayserver as a program: options, log, trace and signals around delay::Server.

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "delayserver/server.hpp"
#include "delayserver/surroundings.hpp"
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

std::string id(const delay::Exchange& one) { return "#" + std::to_string(one.number); }

std::string title(const delay::Exchange& one) {
  return id(one) + " - " + std::to_string(one.delay.count()) +
         "ms: " + delay::printable(one.message);
}

// Every connection takes a descriptor, and the usual limit of 1024 is for programs that use
// select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // where that is refused, the limit stays what it was
}

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

// The exit status.
int serve(const Arguments& arguments, delay::Options options) {
  std::optional<narrate::Trace> trace;
  if (!arguments.trace.empty()) trace.emplace(arguments.trace, "delayserver");
  delay::Log log;
  // Out of memory, a line is missing; the answer need not be.
  options.on_request = [&](const delay::Exchange& one) {
    try {
      if (!arguments.quiet) log.line(title(one));
      if (trace) trace->record({'b', title(one), id(one), "", one.received});
    } catch (const std::bad_alloc&) {
    }
  };
  options.on_answer = [&](const delay::Exchange& one) {
    try {
      if (trace) trace->record({'e', title(one), id(one), one.lost ? "lost" : "", one.answered});
    } catch (const std::bad_alloc&) {
    }
  };

  net::Address address = options.address;
  std::optional<delay::Server> server;
  try {
    server.emplace(std::move(options));
  } catch (const std::system_error& error) {
    std::cerr << explain(error, address) << "\n";
    return error.code() == std::errc::address_not_available ? 2 : 1;
  }
  delay::StopOnSignals signals(*server);
  std::optional<delay::PortFile> port_file;
  if (!arguments.port_file.empty())
    port_file.emplace(arguments.port_file, server->address().port());
  log.line("delayserver listens on http://" + server->address().to_string() +
           "  (Ctrl-C stops it)");
  server->run();
  if (trace) trace->finish();
  return 0;
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

  if (delay::may_block(arguments.trace)) {
    std::cerr << "--trace: " << arguments.trace
              << " is no file: whoever reads it could hold up every answer\n";
    return 2;
  }
  try {
    return serve(arguments, std::move(options));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
