// The suite of common/narrate.

#include "narrate/narrate.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "narrate/printable.hpp"
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

std::string without_times(const std::string& lines) {
  return std::regex_replace(lines, std::regex(" +[0-9]+\\.[0-9]{2} s"), "T");
}

// What `story` says in a process of its own: names of threads hold until the end of a program.
template <class Story>
std::string narrated(Story story) {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "out";
  pid_t child = ::fork();
  REQUIRE(child != -1);
  if (child == 0) {
    Redirected redirected(file);
    story();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  // Cases before this one have had threads, too.
  return std::regex_replace(without_times(contents(file)), std::regex("thread-[0-9]+ *"),
                            "thread-N  ");
}

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
  CHECK(without_times(contents(file)) ==
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
    narrate::say("done", "\u009b2J", "\u202egnp.exe");
    narrate::print("\u009b2J\n");
  }
  std::string text = contents(file);
  CHECK(text.find("?[31mred??next line?\n") != std::string::npos);
  CHECK(text.find("done      ?2J") != std::string::npos);
  CHECK(text.find("?gnp.exe\n?2J?\n") != std::string::npos);
  CHECK(text.size() < 500);
}

TEST_CASE("where COLUMNS says that there is less room, a line goes on below, between two words") {
  std::string story = narrated([] {
    ::setenv("COLUMNS", "40", 1);
    narrate::say("register", "request-0", "for reading, edge-triggered, token 3");
    narrate::print("  fits");
    narrate::print("  four words that want a second line, and then a third one to end");
    narrate::print("  a-word-that-is-longer-than-a-line-has-columns end");
  });
  CHECK(story ==
        "T  register  request-0   for\n"
        "            reading, edge-triggered,\n"
        "            token 3\n"
        "  fits\n"
        "  four words that want a second line,\n"
        "    and then a third one to end\n"
        "  a-word-that-is-longer-than-a-line-has-columns\n"
        "    end\n");
}

TEST_CASE("a terminal is shown characters, and none that it would obey") {
  auto shown = [](std::string_view text) { return narrate::printable(text, 100); };
  CHECK(shown("plain ~ gr\u00fc\u00dfe \u05d0 \u20ac \U0001f600") ==
        "plain ~ gr\u00fc\u00dfe \u05d0 \u20ac \U0001f600");
  CHECK(shown("\t\n\x1b\x7f"
              "a") == "????a");
  CHECK(shown({"\0", 1}) == "?");
  // C1: U+009B does what ESC [ does. U+00A0 and all above are for show.
  CHECK(shown("\u0080\u009b31m\u009f\u00a0") == "??31m?\u00a0");
  // What turns the direction of writing, or ends a line.
  for (const char* mark : {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b",
                           "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"}) {
    CAPTURE(mark);
    CHECK(shown(mark) == "?");
  }
  CHECK(shown("\u061b\u200d\u2027\u202f\u2065\u206a") == "\u061b\u200d\u2027\u202f\u2065\u206a");
}

TEST_CASE("what is not UTF-8 is shown as a question mark a byte") {
  auto shown = [](std::string_view text) { return narrate::printable(text, 100); };
  CHECK(shown("\x9b"
              "31m") == "?31m");         // C1 in one byte
  CHECK(shown("a\xff\x80z") == "a??z");  // never a beginning
  CHECK(shown("\xc3(") == "?(");         // what follows does not go on
  CHECK(shown("\xe2\x82") == "??");      // the end is missing
  CHECK(shown("\xf0\x9f\x98\xc3\xbc") == "???\u00fc");
  CHECK(shown("\xc1\x9b") == "??");  // longer than necessary: these hide what they say
  CHECK(shown("\xe0\x82\x9b") == "???");
  CHECK(shown("\xf0\x80\x82\x9b") == "????");
  CHECK(shown("\xed\xa0\x80") == "???");       // half of a pair of UTF-16
  CHECK(shown("\xf4\x90\x80\x80") == "????");  // beyond the last character
  CHECK(shown("\xf8\x88\x80\x80\x80") == "?????");
  CHECK(shown("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf") ==
        "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");  // the neighbours of those are fine
}

TEST_CASE("a text is cut between two characters, and only where it is too long") {
  CHECK(narrate::printable("\u00fc\u20ac\U0001f600", 3) == "\u00fc\u20ac\U0001f600");
  CHECK(narrate::printable("\u00fc\u20ac\U0001f600", 2) == "\u00fc\u20ac...");
  CHECK(narrate::printable("\u00fc\u20ac", 1, "") == "\u00fc");
  CHECK(narrate::printable("a\u20ac\xff", 9, "", false) == "a??");  // a terminal without UTF-8

  // Lines of narration were cut by bytes. Wherever the 160th is, the character stays whole.
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "out";
  {
    Redirected redirected(file);
    for (std::string shift : {"", "x", "xx"}) {
      std::string euros = shift;
      for (int i = 0; i != 200; ++i) euros += "\u20ac";
      narrate::say("read", "request-0", euros);
      narrate::say("read", euros);
    }
  }
  std::string lines = contents(file);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 6);
  CHECK(lines.find('?') == std::string::npos);
  for (std::size_t at = 0; (at = lines.find("...\n", at + 1)) != std::string::npos;)
    CHECK(lines.substr(at - 3, 3) == "\u20ac");
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

// Time was taken before the line was written, and nothing kept the two together.
TEST_CASE("what several threads say stands in the order of its times, and no line in another one") {
  constexpr int threads = 4, lines = 300;
  testing::TemporaryFolder folder;
  std::string out = folder.path() / "out", trace = folder.path() / "trace.json";
  {
    Redirected redirected(out);
    narrate::trace_to(trace);
    std::atomic<int> ready = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&ready, i] {
        testing::Faults faults("write:short");  // a byte at a time
        ++ready;
        while (ready < threads) std::this_thread::yield();
        for (int n = 0; n < lines; ++n) narrate::say("tick", "", i, "-", n);
      });
    for (std::thread& thread : all) thread.join();
    narrate::finish_trace();
  }

  std::string recorded;
  double latest = 0;
  int backwards = 0;
  for (const auto& event : parse(trace)) {
    if (event["ph"] != "i") continue;
    recorded += "T  tick      " + text(event["args"], "detail") + "\n";
    double at = event["ts"].get<double>();
    if (at < latest) ++backwards;
    latest = at;
  }
  CHECK(backwards == 0);
  bool same_order = without_times(contents(out)) == recorded;
  CHECK(same_order);
  CHECK(std::count(recorded.begin(), recorded.end(), '\n') == threads * lines);
}

TEST_CASE("from the first name on, every line names its thread") {
  CHECK(narrated([] {
          narrate::say("poll", "task-1", "nobody has a name");
          std::thread([] { narrate::say("poll", "task-2", "nor has this one"); }).join();
          narrate::print("a sum");
          std::thread([] {
            narrate::name_thread("reactor");
            narrate::say("ready", "task-1");
          }).join();
          narrate::say("poll", "task-1", "and again");
          std::thread([] { narrate::Span wait("wait", "without a name"); }).join();
          narrate::name_thread("executor");
          narrate::start("task-3");
          narrate::print("a sum");
        }) ==
        "T  poll      task-1      nobody has a name\n"
        "T  poll      task-2      nor has this one\n"
        "a sum\n"
        "T  reactor   ready     task-1\n"
        "T  main      poll      task-1      and again\n"
        "T  thread-N  wait      without a name\n"
        "T  executor  start     task-3\n"
        "a sum\n");
}

TEST_CASE("in a trace each thread has a row with its name") {
  testing::TemporaryFolder folder;
  std::string file = folder.path() / "trace.json";
  std::string said = narrated([&file] {
    narrate::say("poll", "", "before there is a trace");
    narrate::trace_to(file);
    narrate::say("poll", "", "main");
    std::thread([] {
      narrate::name_thread("reactor");
      narrate::Span wait("wait");
      narrate::say("ready", "", "reactor");
    }).join();
    std::thread([] {
      narrate::say("tick", "", "thread-");
      narrate::name_thread("later");
      narrate::say("tick", "", "later");
    }).join();
    narrate::say("poll", "", "main");
    narrate::finish_trace();
  });
  CHECK(said.find("reactor") != std::string::npos);

  std::map<int, std::string> names;
  int renamed = 0;
  for (const auto& event : parse(file)) {
    int row = event["tid"].get<int>();
    if (text(event, "name") == "thread_name") {
      CHECK(text(event, "ph") == "M");
      names[row] = text(event["args"], "name");
      ++renamed;
    } else if (event.contains("args") && event["ph"] != "M") {
      // A row is named before its events.
      CHECK(names[row].starts_with(text(event["args"], "detail")));
    }
  }
  std::set<std::string> all;
  for (const auto& [row, name] : names) all.insert(name);
  CHECK(all == std::set<std::string>{"main", "reactor", "later"});
  CHECK(renamed == 4);  // each once, and the number of one before its name
}

// The copy of a lock that another thread held would stay locked in the child for ever.
TEST_CASE("a child of fork() narrates while other threads do, and leaves the trace alone") {
  testing::TemporaryFolder folder;
  std::string out = folder.path() / "out", trace = folder.path() / "trace.json";
  constexpr int children = 20;
  {
    Redirected redirected(out);
    narrate::trace_to(trace);
    std::atomic<bool> enough = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&enough] {
        while (!enough) {
          narrate::say("tick", "parent");
          std::this_thread::yield();  // or the lock would hardly be free, and fork() waits for it
        }
      });
    for (int i = 0; i < children; ++i) {
      pid_t child = ::fork();
      if (child == 0) {
        ::alarm(static_cast<unsigned>(testing::case_limit().count()));  // fork() has cleared it
        narrate::say("tick", "child");
        narrate::finish_trace();
        ::_exit(0);
      }
      int status = -1;
      CHECK(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
    enough = true;
    for (std::thread& thread : threads) thread.join();
    narrate::finish_trace();
  }
  int by_children = 0;
  std::ifstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    std::string said = line.substr(std::min<std::size_t>(line.size(), 8));
    REQUIRE((said == "  tick      parent" || said == "  tick      child"));
    if (said.ends_with("child")) ++by_children;
  }
  CHECK(by_children == children);
  for (const auto& event : parse(trace))
    if (event["ph"] == "n") REQUIRE(text(event, "id") == "parent");
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
  CHECK(phases == "MMbBEne");
  CHECK(rows == "ttrttrr");
}
