// The suite of common/narrate.

#include "narrate/narrate.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "narrate/trace.hpp"
#include "net/fd.hpp"
#include "testing/faults.hpp"
#include "testing/program.hpp"

namespace {

std::string contents(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Sends our standard output into a file until the end of the scope.
class Redirected {
 public:
  explicit Redirected(const std::string& file)
      : saved_(net::Fd::checked(::dup(STDOUT_FILENO), "dup")) {
    net::Fd target = net::Fd::checked(::open(file.c_str(), O_WRONLY | O_CREAT, 0600), "open");
    ::dup2(target.get(), STDOUT_FILENO);
    narrate::set_silent(false);
  }
  Redirected(const Redirected&) = delete;
  ~Redirected() {
    narrate::set_silent(true);
    ::dup2(saved_.get(), STDOUT_FILENO);
  }

 private:
  net::Fd saved_;
};

nlohmann::json parse(const std::string& file) { return nlohmann::json::parse(contents(file)); }

// Strings, because comparing JSON in a CHECK takes the compiler seconds.
std::string text(const nlohmann::json& object, const char* key) {
  return object.at(key).get<std::string>();
}

}  // namespace

TEST_CASE("a line says when, what, whom, and the rest") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "out";
  {
    Redirected redirected(file);
    narrate::say("register", "request-0", "token ", 3);
    narrate::say("ready", "request-0");
    {
      narrate::Span wait("wait", 5, " in flight");
    }
    narrate::start("request-1", "GET /");
    narrate::done("request-1", 200);
    narrate::print("a sum");
  }
  std::string seconds =
      std::regex_replace(contents(file), std::regex(" +[0-9]+\\.[0-9]{2} s"), "T");
  CHECK(seconds ==
        "T  register  request-0   token 3\n"
        "T  ready     request-0\n"
        "T  wait      5 in flight\n"
        "T  start     request-1   GET /\n"
        "T  done      request-1   200\n"
        "a sum\n");
}

TEST_CASE("what a server sent can neither move the cursor nor fill the screen") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "out";
  {
    Redirected redirected(file);
    narrate::say("done", "request-0", "\x1b[31mred\r\nnext line\x07");
    narrate::say("done", "request-0", std::string(30000, 'x'));
  }
  std::string text = contents(file);
  CHECK(text.find("?[31mred??next line?\n") != std::string::npos);
  CHECK(text.size() < 300);
}

TEST_CASE(
    "a line that cannot be written is an error; one that is interrupted or cut is completed") {
  testing::TemporaryFolder folder;
  {
    Redirected redirected("/dev/full");
    CHECK_THROWS_WITH_AS(narrate::print("x"),
                         "cannot write to standard output: No space left on device",
                         std::system_error);
  }
  std::string file = folder.path() / "out";
  {
    Redirected redirected(file);
    testing::Faults faults("write:every:EINTR write:short");
    narrate::print("complete");
  }
  CHECK(contents(file) == "complete\n");
}

TEST_CASE("a trace is a JSON array of events that the viewers know") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace.json";
  auto zero = narrate::Trace::Clock::now();
  {
    narrate::Trace trace(file, "a program");
    trace.record({'b', "request-0", "request-0", "GET \"/\"\n", zero});
    trace.record({'B', "wait"});
    trace.record({'E', "wait"});
    trace.record({'i', "wake"});
    trace.record({'e', "request-0", "request-0", "\xff is no UTF-8",
                  zero + std::chrono::milliseconds(1500)});
  }
  nlohmann::json events = parse(file);
  REQUIRE(events.size() == 6);
  CHECK(text(events[0], "ph") == "M");
  CHECK(text(events[0]["args"], "name") == "a program");
  for (const auto& event : events) {
    CHECK(event.contains("name"));
    CHECK(event.contains("pid"));
    CHECK(event.contains("tid"));
    CHECK((event["ph"] == "M" || event["ts"].is_number()));
  }
  CHECK(events[1]["id"].dump() == events[5]["id"].dump());
  CHECK(text(events[1], "cat") == text(events[5], "cat"));
  CHECK(text(events[1]["args"], "detail") == "GET \"/\"\n");
  CHECK(text(events[4], "s") == "t");
  // Timestamps are in microseconds.
  CHECK(events[5]["ts"].get<double>() - events[1]["ts"].get<double>() ==
        doctest::Approx(1'500'000));
}

TEST_CASE("threads may record at the same time") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace.json";
  {
    narrate::Trace trace(file, "threads");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 250; ++n) trace.record({'i', "tick"});
      });
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(parse(file).size() == 1001);
}

TEST_CASE("a trace file that cannot be written is an error with its name") {
  CHECK_THROWS_WITH_AS(narrate::Trace("/no/such/folder/trace.json", "x"),
                       "cannot write the trace file /no/such/folder/trace.json: No such file or "
                       "directory",
                       std::system_error);
  CHECK_THROWS_AS(narrate::Trace("/dev/full", "x"), std::system_error);
}

TEST_CASE("after finish() the file is complete, and later events are dropped") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace.json";
  narrate::Trace trace(file, "x");
  trace.finish();
  trace.record({'i', "too late"});
  trace.finish();
  CHECK(parse(file).size() == 1);
}

TEST_CASE("what is narrated is recorded: requests on rows of their own, waits on the thread's") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace.json";
  {
    Redirected redirected(folder.path() / "out");
    narrate::trace_to(file);
    narrate::start("request-0");
    {
      narrate::Span wait("wait", 1, " in flight");
    }
    narrate::say("ready", "request-0");
    narrate::done("request-0");
    narrate::finish_trace();
  }
  std::string phases, rows;
  for (const auto& event : parse(file)) {
    phases += event["ph"].get<std::string>();
    rows += event.contains("id") ? "r" : "t";
  }
  CHECK(phases == "MbBEne");
  CHECK(rows == "trttrr");
}
