#include "testing/stage_program.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>

#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

namespace testing {
namespace {

// Runs it, and requires one line on standard error and exit status 1.
std::string error_line(const std::string& program, const net::Address& server,
                       const std::string& faults = "") {
  process::Result result = run(program, stage_options(server), faults);
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(result.err.find('\n') == result.err.size() - 1);
  return result.err;
}

}  // namespace

std::vector<std::string> stage_options(const net::Address& server) {
  return {"--server", server.to_string(), "--unit-ms", "20"};
}

void check_ordinary_life(const std::string& program, const std::string& waiting_call) {
  std::vector<std::string> plans = {"read:short",       "send:short",       "write:short",
                                    "read:every:EINTR", "send:every:EINTR", "write:every:EINTR"};
  if (!waiting_call.empty()) plans.push_back(waiting_call + ":every:EINTR");
  for (const std::string& plan : plans) {
    Delayserver server;
    process::Result result = run(program, stage_options(server.address()), plan);
    INFO(plan, "\n", result.out, result.err);
    REQUIRE(result.exit.describe() == "exit status 0");
    REQUIRE(server.stats().served == 5);
  }
}

void check_error_reports(const std::string& program) {
  CHECK(error_line(program, nobody()).find("./course serve") != std::string::npos);

  // A script keeps the connection until the client has gone: it is the client that gives up.
  auto answer_with = [](const std::string& bytes) {
    return [bytes](net::TcpStream stream) {
      read_request(stream);
      stream.write_all(bytes);
    };
  };
  {
    Peer silent(answer_with(""));
    CHECK(error_line(program, silent.address()).find("closed") != std::string::npos);
  }
  {
    Peer truncating(answer_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    CHECK(error_line(program, truncating.address()).find("closed") != std::string::npos);
  }
  {
    Peer babbling(answer_with("this is no HTTP\r\n\r\n"));
    CHECK(!error_line(program, babbling.address()).empty());
  }
  Delayserver server;
  CHECK(error_line(program, server.address(), "read:2:ECONNRESET") ==
        "read: Connection reset by peer\n");
}

void check_trace(const std::string& program) {
  Delayserver server;
  TemporaryFolder folder;
  std::string file = folder.path() / "trace.json";
  std::vector<std::string> arguments = stage_options(server.address());
  arguments.insert(arguments.end(), {"--trace", file});
  process::Result result = run(program, arguments);
  INFO(result.err);
  REQUIRE(result.exit.describe() == "exit status 0");

  std::ifstream stream(file);
  nlohmann::json events = nlohmann::json::parse(stream);
  REQUIRE(events.is_array());
  std::map<std::string, std::string> phases_by_request;
  for (const auto& event : events)
    if (event.contains("id")) phases_by_request[event["id"]] += event["ph"].get<std::string>();
  CHECK(phases_by_request.size() == 5);
  for (const auto& [request, phases] : phases_by_request) {
    INFO(request, ": ", phases);
    CHECK(phases.front() == 'b');
    CHECK(phases.back() == 'e');
  }
}

}  // namespace testing
