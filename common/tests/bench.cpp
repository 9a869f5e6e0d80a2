// What benches make of their samples, and the table that ./course draws of it.

#include "bench/bench.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "course/bench_table.hpp"
#include "process/child.hpp"

namespace {

using Json = nlohmann::ordered_json;

// Samples of one side: these, in turn. Each call writes its name down.
bench::Sample samples(std::vector<double> values, std::string name, std::string& calls) {
  return [=, &calls, next = std::size_t{0}]() mutable {
    calls += name;
    return values.at(next++);
  };
}

std::string rows_of(const std::string& measured) { return Json::parse(measured).at("rows").dump(); }

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);)
    longest = std::max(longest, course::columns(line));
  return longest;
}

const std::string measured = R"({"chapter":"ch05","machine":"A CPU","compiler":"g++ 12.2.0",
  "build":"Release","rows":[
  {"name":"switch","unit":"ns","ours":4.3,"range":[4.25,4.9],"peer":"Boost.Context 1.74",
   "theirs":8.6,"peer_range":[8.5,8.7],"ratio":0.5,"goal":1.02,"rounds":5,"stage":"ch05/c"},
  {"name":"spawn and join","unit":"ns","ours":12345.6,"range":[9000,123456],"peer":"Boost.Fiber",
   "missing":"libboost-fiber-dev","goal":1,"rounds":5,"stage":"ch05/c"},
  {"name":"a yield","unit":"instructions","missing":"valgrind","stage":"ch05/c"},
  {"name":"memory of a waiting fiber","unit":"bytes","ours":5115,"range":[5115,5115],
   "peer":"a thread","theirs":4096,"peer_range":[4096,4096],"ratio":1.249,"goal":1.02,
   "rounds":5,"stage":"ch05/d"}]})";

}  // namespace

TEST_CASE("samples come to their median, the least and the most of them") {
  auto check = [](const std::vector<double>& samples, double median, double least, double most) {
    bench::Figures figures = bench::figures(samples);
    CHECK(figures.median == median);
    CHECK(figures.least == least);
    CHECK(figures.most == most);
  };
  check({7}, 7, 7, 7);
  check({3, 1, 2}, 2, 1, 3);
  check({4, 1, 3, 2}, 2.5, 1, 4);
  check({2, 1e9, 1, 2, 3}, 2, 1, 1e9);
}

TEST_CASE("in each round every row takes a sample of ours, and one of the peer's") {
  std::string calls;
  (void)bench::measure({{"one", "ns", samples({1, 1}, "a", calls),
                         bench::Peer{"peer", "", samples({1, 1}, "A", calls)}},
                        {"two", "ns", samples({1, 1}, "b", calls)}},
                       2);
  CHECK(calls == "aAbaAb");
}

TEST_CASE("the results are a JSON object, and keys that say nothing are left out") {
  std::string calls;
  std::string said = bench::measure(
      {{"switch", "ns", samples({4.4, 9.00004, 4.3}, "", calls),
        bench::Peer{"Boost.Context 1.74", "libboost-context-dev", samples({8, 8, 9}, "", calls)},
        1.02},
       {"spawn", "ns", samples({1, 2, 3}, "", calls), bench::Peer{"libuv", "libuv1-dev"}, 1},
       {"count", "instructions", {}, bench::Peer{"libuv", ""}, 1, "valgrind"},
       {"call", "ns", samples({12345.6, 12345.6, 0}, "", calls)},
       {"free", "ns", samples({1, 1, 1}, "", calls),
        bench::Peer{"nothing", "", samples({0, 0, 0}, "", calls)}}},
      3);
  CHECK(said.find('\n') == std::string::npos);
  Json all = Json::parse(said);
  CHECK(all.size() == 4);
  for (const char* key : {"machine", "compiler", "build"}) CHECK(all.value(key, "") != "");
  CHECK(rows_of(said) ==
        R"([{"name":"switch","unit":"ns","ours":4.4,"range":[4.3,9.0],)"
        R"("peer":"Boost.Context 1.74","theirs":8.0,"peer_range":[8.0,9.0],)"
        R"("ratio":0.55,"goal":1.02,"rounds":3},)"
        R"({"name":"spawn","unit":"ns","ours":2.0,"range":[1.0,3.0],)"
        R"("peer":"libuv","missing":"libuv1-dev","goal":1.0,"rounds":3},)"
        R"({"name":"count","unit":"instructions","missing":"valgrind"},)"
        R"({"name":"call","unit":"ns","ours":12350.0,"range":[0.0,12350.0],"rounds":3},)"
        R"({"name":"free","unit":"ns","ours":1.0,"range":[1.0,1.0],)"
        R"("peer":"nothing","theirs":0.0,"peer_range":[0.0,0.0],"rounds":3}])");
}

TEST_CASE("nanoseconds() calls as often as it divides by, and hardly ever in quick mode") {
  int calls = 0;
  CHECK(bench::nanoseconds(5000, [&] { ++calls; }) > 0);
  CHECK(calls == 5000);
  ::setenv("COURSE_BENCH_QUICK", "1", 1);
  calls = 0;
  (void)bench::nanoseconds(5000, [&] { ++calls; });
  CHECK(calls == 6);
  int rounds = 0;
  CHECK(bench::run({{"one", "ns", [&] { return double(++rounds); }}}) == 0);
  CHECK(rounds == 1);
  ::unsetenv("COURSE_BENCH_QUICK");
}

TEST_CASE("instructions() counts those of one call, whatever the program does besides") {
  process::Result result = process::run({{BENCH_COUNTED}}, std::chrono::minutes(2));
  INFO(result.err);
  if (result.err.find("valgrind: No such file") != std::string::npos) {
    MESSAGE("valgrind is not installed: nothing is counted");
    return;
  }
  REQUIRE(result.exit.describe() == "exit status 0");
  Json rows = Json::parse(result.out).at("rows");
  double nothing = rows[0].at("ours");  // but the loop
  CHECK(rows[1].at("ours") == nothing + 11);
  CHECK(rows[1].at("theirs") == nothing + 100);
  CHECK(rows[1].at("range") == Json{nothing + 11, nothing + 11});
  double once = rows[2].at("ours");  // of four digits
  CHECK(once >= 12340);
  CHECK(once < 12500);
}

TEST_CASE("system_calls_of_one() counts those of all threads, and none of a server's") {
  process::Result result =
      process::run({{BENCH_COUNTED}, {{"COURSE_TEST_CALLS", "1"}}}, std::chrono::minutes(2));
  INFO(result.err);
  if (result.err.find("strace: No such file") != std::string::npos ||
      result.err.find("PTRACE") != std::string::npos) {
    MESSAGE("strace is not installed, or not allowed: nothing is counted");
    return;
  }
  REQUIRE(result.exit.describe() == "exit status 0");
  Json rows = Json::parse(result.out).at("rows");
  CHECK(rows[0].at("ours") == 4);
  CHECK(rows[1].at("ours") == 11);
}

TEST_CASE("a sample that throws is exit status 1") {
  CHECK(bench::run({{"one", "ns", []() -> double { throw std::runtime_error("no fibers"); }}}) ==
        1);
}

TEST_CASE("the table has bars of equal scale in a row, says what is missing, and marks goals") {
  CHECK(course::bench_table(measured, {80, true, false}) ==
        R"(A CPU; g++ 12.2.0, Release; medians of 5 rounds, and the range. Less is better.
The ratios count: other machines have other figures.

ch05/c
  switch                      4.30 ns     4.25 to 4.90     ██████████▌
    Boost.Context 1.74        8.60 ns     8.50 to 8.70     █████████████████████
    ours / theirs            0.500 goal 1.02: met
  spawn and join            12,346 ns     9000 to 123,456
    Boost.Fiber                  - needs libboost-fiber-dev
  a yield                        - needs valgrind

ch05/d
  memory of a waiting fiber   5115 bytes  5115 to 5115     █████████████████████
    a thread                  4096 bytes  4096 to 4096     ████████████████▉
    ours / theirs            1.249 goal 1.02: missed

For what is missing, as root, type: apt-get install -y libboost-fiber-dev
valgrind
)");
}

TEST_CASE("the table says that it is about the reader's own code") {
  std::string own = measured;
  own.insert(1, "\"mine\":true,");
  CHECK(course::bench_table(own, {80, false, false}).find("\nch05/d, your code\n") !=
        std::string::npos);
}

TEST_CASE(
    "the table fits: first the bars have no room, then the range, and long names get a line") {
  std::string narrow = course::bench_table(measured, {50, false, false});
  CHECK(longest_line(narrow) <= 50);
  CHECK(narrow.find("  switch                      4.30 ns\n") != std::string::npos);
  CHECK(narrow.find(" 1.249\n      goal 1.02: missed\n") != std::string::npos);
  CHECK(narrow.find('#') == std::string::npos);
  std::string ascii = course::bench_table(measured, {80, false, false});
  CHECK(longest_line(ascii) <= 80);
  CHECK(ascii.find("  #####################\n") != std::string::npos);
  CHECK(narrow.find("-\n      needs libboost-fiber-dev\n") != std::string::npos);
  std::string tiny = course::bench_table(measured, {30, true, false});
  CHECK(tiny.find("  memory of a waiting fiber\n") != std::string::npos);
  CHECK(longest_line(tiny) <= 30);
}
