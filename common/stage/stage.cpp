#include "stage/stage.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <iostream>
#include <string>
#include <system_error>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

namespace stage {
namespace {

std::string explain(const std::system_error& error, const Options& options) {
  std::string what = error.what();
  if (error.code() == std::errc::connection_refused)
    return "no delayserver answers at " + options.server.to_string() +
           ". Start one in another terminal: ./course serve";
  return what;
}

}  // namespace

int run(int argc, char** argv, void (*example)(const Options&)) {
  net::reserve_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error that we report, not a silent end

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
  try {
    app.parse(argc, argv);
    options.server = net::Address::parse(server);
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

}  // namespace stage
