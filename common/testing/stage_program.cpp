#include "testing/stage_program.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <list>
#include <map>
#include <thread>

#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

namespace testing {
namespace {

// What a program said last: one that loops says the same thousands of times.
std::string end_of(const std::string& text) {
  constexpr std::size_t most = 2000;
  return text.size() <= most ? text : "…" + text.substr(text.size() - most);
}

// Runs it, and checks that it ends with exit status 1 and one line on standard error, of which
// `reason` is a part.
void check_error(const std::string& program, const net::Address& server, const std::string& reason,
                 const std::string& faults = "") {
  process::Result result = run(program, stage_options(server), faults);
  INFO("standard error: ", result.err);
  REQUIRE(result.exit.describe() == "exit status 1");
  bool is_one_line = !result.err.empty() && result.err.find('\n') == result.err.size() - 1;
  CHECK(is_one_line);
  bool gives_the_reason = result.err.find(reason) != std::string::npos;
  CHECK_MESSAGE(gives_the_reason, "it should say: ", reason);
}

}  // namespace

std::vector<std::string> stage_options(const net::Address& server) {
  return {"--server", server.to_string(), "--unit-ms", "20"};
}

CountedResult check_all_in_flight(const std::string& program, const std::string& faults,
                                  std::size_t requests) {
  struct Waiting {
    net::TcpStream stream;
    std::string message;
  };
  std::vector<Waiting> waiting;
  Peer patient([&](net::TcpStream stream) {
    std::string path = read_request(stream);
    path = path.substr(0, path.find(" HTTP/"));
    waiting.push_back({std::move(stream), path.substr(path.rfind('/') + 1)});
    if (waiting.size() < requests) return;
    for (Waiting& one : waiting)
      say_and_close(one.stream, "HTTP/1.1 200 OK\r\nContent-Length: " +
                                    std::to_string(one.message.size()) + "\r\n\r\n" + one.message);
    waiting.clear();
  });
  CountedResult counted = counted_run(program, stage_options(patient.address()), faults);
  INFO(end_of(counted.result.out), counted.result.err);
  REQUIRE(counted.result.exit.describe() == "exit status 0");
  return counted;
}

void check_takes_turns(const std::string& program) {
  const std::string part(std::size_t{1} << 19, '.');
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(2 * part.size()) +
                           "\r\nConnection: close\r\n\r\n";
  std::vector<net::TcpStream> waiting;  // whose ends come when the program is gone
  Peer talkative([&](net::TcpStream stream) {
    read_request(stream);
    int little = 1 << 16;  // waits here, and about as much at the other end
    REQUIRE(::setsockopt(stream.fd().get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0);
    waiting.push_back(std::move(stream));
    if (waiting.size() < 5) return;
    for (const std::string& bytes : {head + part, part})
      for (auto last = waiting.rbegin(); last != waiting.rend(); ++last) last->write_all(bytes);
  });
  process::Result result = run(program, stage_options(talkative.address()));
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
}

void check_ordinary_life(const std::string& program, const std::string& waiting_call,
                         std::size_t requests) {
  std::vector<std::string> plans = {"read*:short", "write*:short", "read*:every:EINTR",
                                    "write*:every:EINTR"};
  if (!waiting_call.empty()) plans.push_back(waiting_call + "*:every:EINTR");
  check_faults(program, plans, requests);
}

// A few at a time, each with a server of its own: they mostly wait.
void check_faults(const std::string& program, const std::vector<std::string>& plans,
                  std::size_t requests) {
  struct Run {
    explicit Run(const std::string& faults) : plan(faults) {}
    const std::string& plan;
    Delayserver server;
    std::future<process::Result> result;  // waits in its destructor, before the server goes
  };
  const std::size_t at_once = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t first = 0; first < plans.size(); first += at_once) {
    std::list<Run> runs;
    for (std::size_t i = first; i < std::min(first + at_once, plans.size()); ++i) {
      Run& one = runs.emplace_back(plans[i]);
      one.result = std::async(std::launch::async, [&program, &one] {
        return run(program, stage_options(one.server.address()), one.plan);
      });
    }
    for (Run& one : runs) {
      process::Result result = one.result.get();
      INFO(one.plan, "\n", end_of(result.out), result.err);
      REQUIRE(result.exit.describe() == "exit status 0");
      REQUIRE(one.server.stats().served == requests);
    }
  }
}

void check_error_reports(const std::string& program, const std::string& reading_call) {
  check_error(program, nobody(), "./course serve");

  auto answer_with = [](const std::string& bytes) {
    return [bytes](net::TcpStream stream) {
      read_request(stream);
      say_and_close(stream, bytes);
    };
  };
  {
    Peer silent(answer_with(""));
    check_error(program, silent.address(), "closed");
  }
  {
    Peer truncating(answer_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    check_error(program, truncating.address(), "closed");
  }
  {
    Peer babbling(answer_with("this is no HTTP\r\n\r\n"));
    check_error(program, babbling.address(), "HTTP");
  }
  if (!reading_call.empty()) {
    Delayserver server;
    check_error(program, server.address(), ": Connection reset by peer",
                reading_call + ":2:ECONNRESET");
  } else {
    Peer resetting([](net::TcpStream stream) {
      read_request(stream);
      linger at_once{1, 0};  // close() sends no end, but a reset
      REQUIRE(::setsockopt(stream.fd().get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) ==
              0);
    });
    check_error(program, resetting.address(), "Connection reset by peer");
  }
}

void check_trace(const std::string& program, std::size_t requests) {
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
    if (std::string id = event.value("id", "");
        id.starts_with("request-"))  // others have rows, too
      phases_by_request[id] += event["ph"].get<std::string>();
  CHECK(phases_by_request.size() == requests);
  for (const auto& [request, phases] : phases_by_request) {
    INFO(request, ": ", phases);
    CHECK(phases.substr(0, 1) == "b");
    CHECK(phases.substr(phases.size() - 1) == "e");
  }
}

}  // namespace testing
