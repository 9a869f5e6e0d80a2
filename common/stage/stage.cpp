#include "stage/stage.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "net/tcp_stream.hpp"

namespace stage {
namespace {

std::string explain(const std::system_error& error, const Options& options) {
  std::string what = error.what();
  if (error.code() == std::errc::connection_refused)
    return "no delayserver answers at " + options.server.to_string() +
           ". Start one in another terminal: ./course serve";
  return what;
}

// For what an exception reaches that nobody catches: the same line and status as from run(). There
// is no way back from here, and other threads may still be running, so nothing is cleaned up.
[[noreturn]] void end_with_a_line() {
  try {
    if (std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    std::_Exit(1);
  } catch (...) {
  }
  std::abort();
}

void prepare() {
  net::reserve_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error that we report, not a silent end
  std::signal(SIGCHLD, SIG_DFL);  // started with it ignored, a stage could not wait for its child
  std::set_terminate(end_with_a_line);
}

}  // namespace

int run(int argc, char** argv, void (*example)(const Options&), const Flag& flag) {
  prepare();
  Options options;
  std::string server = options.server.to_string();
  std::int64_t unit_ms = options.unit.count();
  std::string trace;
  CLI::App app("A stage of the course: makes requests to a delayserver and tells what happens.");
  app.add_option("--server", server, "HOST:PORT of the delayserver")->capture_default_str();
  app.add_option("--unit-ms", unit_ms, "length of one time unit in milliseconds")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{60'000}));
  app.add_option("--trace", trace, "also write a Chrome trace to this file (ui.perfetto.dev)");
  if (flag.name != nullptr) app.add_flag(flag.name, options.flag, flag.help);
  try {
    app.parse(argc, argv);
    options.server = net::first_that_answers(net::Address::parse_all(server));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& error) {
    std::cerr << "--server: " << error.what() << "\n";
    return 2;
  }
  options.unit = std::chrono::milliseconds(unit_ms);

  try {
    if (!trace.empty()) narrate::trace_to(trace);
    example(options);
    narrate::finish_trace();
    return 0;
  } catch (const std::system_error& error) {
    std::cerr << explain(error, options) << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
  }
  return 1;
}

int run(void (*example)()) {
  prepare();
  try {
    example();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
  }
  return 1;
}

}  // namespace stage
