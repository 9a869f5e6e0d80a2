// The suite of ch07/x-cpp-coroutine. The machine that was cut by hand, and the request that both
// wait for, are checked by the suite of ch07/a-coroutine.

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "co_two_requests.hpp"
#include "task.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"
#include "two_requests.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using Log = std::vector<std::string>;

namespace {

// What a case sees of a future, and what it lets it say.
struct Control {
  int polls = 0;
  int alive = 0;
  PollState<std::string> value = std::nullopt;
  std::exception_ptr error = nullptr;

  void fail(const std::string& what) { error = std::make_exception_ptr(std::runtime_error(what)); }
};

class Leaf final : public Future<std::string> {
 public:
  explicit Leaf(Control& control) : control_(&control) { ++control_->alive; }
  Leaf(Leaf&& other) noexcept : control_(std::exchange(other.control_, nullptr)) {}
  ~Leaf() override {
    if (control_ != nullptr) --control_->alive;
  }
  PollState<std::string> poll() override {
    ++control_->polls;
    if (control_->error) std::rethrow_exception(control_->error);
    return control_->value;
  }

 private:
  Control* control_;
};

// A future that is ready whenever it is asked.
class Ready final : public Future<int> {
 public:
  PollState<int> poll() override { return 1; }
};

// Counts the objects there are.
class Counted {
 public:
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = default;  // of two that count alike
  ~Counted() { --*alive_; }

 private:
  int* alive_;
};

Task<std::string> one(Control& leaf) { co_return "one: " + co_await Leaf(leaf); }

Task<std::string> two(Control& first, Control& second, Log& log) {
  log.push_back("begins");
  std::string a = co_await Leaf(first);
  log.push_back("has " + a);
  std::string b = co_await Leaf(second);
  log.push_back("has " + b);
  co_return a + b;
}

Task<std::string> nested(Control& leaf, Log& log) {
  try {
    std::string inner = co_await one(leaf);
    co_return "nested " + inner;
  } catch (const std::runtime_error& error) {
    log.push_back(error.what());
    throw;
  }
}

// Polls until there is a result: `pause` says what to do in between.
std::string complete(Future<std::string>& future, const std::function<void()>& pause) {
  while (true) {
    if (PollState<std::string> result = future.poll()) return *result;
    pause();
  }
}

// The words of the row of the program's table that begins with `name`.
Log row(const std::string& output, const std::string& name) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream stream(line);
    Log words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (!words.empty() && words[0] == name) return words;
  }
  return {};
}

}  // namespace

TEST_CASE("nothing of its body runs before the first poll()") {
  Control first, second;
  Log log;
  Task<std::string> task = two(first, second, log);
  CHECK(log.empty());
  CHECK(first.polls == 0);
  CHECK_FALSE(task.poll());
  CHECK(log == Log{"begins"});
  CHECK(first.polls == 1);
}

TEST_CASE("each poll() asks the future that it waits for once, and goes on when that is ready") {
  Control first, second;
  Log log;
  Task<std::string> task = two(first, second, log);
  for (int i = 1; i <= 3; ++i) {
    CHECK_FALSE(task.poll());
    CHECK(first.polls == i);
  }
  CHECK(second.polls == 0);
  first.value = "a";
  CHECK_FALSE(task.poll());
  CHECK(log == Log{"begins", "has a"});
  CHECK(first.polls == 4);
  CHECK(second.polls == 1);
  second.value = "b";
  CHECK(task.poll() == "ab");
  CHECK(first.polls == 4);
  CHECK(second.polls == 2);
}

TEST_CASE("where nothing has to be waited for, one poll() is enough") {
  Control first{.value = "a"}, second{.value = "b"};
  Log log;
  Task<std::string> task = two(first, second, log);
  CHECK(task.poll() == "ab");
  CHECK(first.polls == 1);
  CHECK(second.polls == 1);
}

TEST_CASE("its value comes once: after that, poll() is an error") {
  Control leaf{.value = "x"};
  Task<std::string> task = one(leaf);
  CHECK(task.poll() == "one: x");
  CHECK_THROWS_AS((void)task.poll(), std::logic_error);
  CHECK_THROWS_AS((void)task.poll(), std::logic_error);
  CHECK(leaf.polls == 1);
}

TEST_CASE("an exception that nobody catches comes out of poll(), once") {
  Control leaf;
  Task<std::string> task = one(leaf);
  CHECK_FALSE(task.poll());
  leaf.fail("the leaf failed");
  CHECK_THROWS_WITH_AS((void)task.poll(), "the leaf failed", std::runtime_error);
  CHECK_THROWS_AS((void)task.poll(), std::logic_error);
  CHECK(leaf.polls == 2);
}

TEST_CASE("an exception of the body's own comes out of poll(), not out of the call") {
  auto fails = []() -> Task<int> {
    throw std::runtime_error("from the body");
    co_return 1;
  };
  Task<int> task = fails();
  CHECK_THROWS_WITH_AS((void)task.poll(), "from the body", std::runtime_error);
  CHECK_THROWS_AS((void)task.poll(), std::logic_error);
}

TEST_CASE("a future's exception is thrown where the body waits, and it may catch it and go on") {
  auto again = [](Control& first, Control& second) -> Task<std::string> {
    std::string what;
    try {
      (void)co_await Leaf(first);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what + ", then " + co_await Leaf(second);
  };
  Control first, second;
  Task<std::string> task = again(first, second);
  CHECK_FALSE(task.poll());
  first.fail("no");
  CHECK_FALSE(task.poll());
  CHECK(first.alive == 0);
  CHECK(second.alive == 1);
  second.value = "yes";
  CHECK(task.poll() == "no, then yes");
}

TEST_CASE("wherever it stands, destroying a task frees its frame and what it waits for") {
  std::size_t frames = NarratedFrame::frames;
  Control leaf, second;
  Log log;
  {
    Task<std::string> lazy = two(leaf, second, log);
    CHECK(NarratedFrame::frames == frames + 1);
    CHECK(leaf.alive == 0);  // nobody has begun to wait
  }
  CHECK(NarratedFrame::frames == frames);
  {
    Task<std::string> waits = two(leaf, second, log);
    CHECK_FALSE(waits.poll());
    CHECK(leaf.alive == 1);
  }
  CHECK(NarratedFrame::frames == frames);
  CHECK(leaf.alive == 0);
  leaf.value = "a";
  {
    Task<std::string> waits_again = two(leaf, second, log);
    CHECK_FALSE(waits_again.poll());
    CHECK(leaf.alive == 0);  // it has what it wanted from it
    CHECK(second.alive == 1);
  }
  CHECK(NarratedFrame::frames == frames);
  CHECK(second.alive == 0);
  second.value = "b";
  {
    Task<std::string> ready = two(leaf, second, log);
    CHECK(ready.poll());
    CHECK(second.alive == 0);
    CHECK(NarratedFrame::frames == frames + 1);
  }
  CHECK(NarratedFrame::frames == frames);
  second.fail("no");
  {
    Task<std::string> failed = two(leaf, second, log);
    CHECK_THROWS((void)failed.poll());
    CHECK(second.alive == 0);
  }
  CHECK(NarratedFrame::frames == frames);
}

TEST_CASE("it may move while it waits, and what it was moved from or over is over") {
  std::size_t frames = NarratedFrame::frames;
  Control leaf, other;
  {
    Task<std::string> task = one(leaf);
    CHECK_FALSE(task.poll());
    Task<std::string> moved = std::move(task);
    CHECK_THROWS_AS((void)task.poll(), std::logic_error);
    Task<std::string> over = one(other);
    CHECK_FALSE(over.poll());
    over = std::move(moved);
    CHECK(other.alive == 0);
    CHECK(NarratedFrame::frames == frames + 1);
    leaf.value = "x";
    CHECK(over.poll() == "one: x");
  }
  CHECK(NarratedFrame::frames == frames);
  CHECK_FALSE(std::is_copy_constructible_v<Task<std::string>>);
}

TEST_CASE("its parameters are copied into the frame when it is called, and live as long") {
  auto keeps = [](std::string text, const Counted, Control& leaf) -> Task<std::string> {
    co_return text + co_await Leaf(leaf);
  };
  int alive = 0;
  Control leaf;
  std::string text = "as it was at the call, ";
  {
    Task<std::string> task = keeps(text, Counted(alive), leaf);
    text = "changed since";
    CHECK(alive == 1);  // the argument is gone, its copy is not
    CHECK_FALSE(task.poll());
    leaf.value = "x";
    CHECK(task.poll() == "as it was at the call, x");
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("its variables are destroyed when the body ends, or with the task") {
  auto counts = [](int& alive, Control& leaf) -> Task<std::string> {
    Counted variable(alive);
    co_return co_await Leaf(leaf);
  };
  int alive = 0;
  Control leaf;
  {
    Task<std::string> task = counts(alive, leaf);
    CHECK(alive == 0);
    CHECK_FALSE(task.poll());
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  Task<std::string> task = counts(alive, leaf);
  CHECK_FALSE(task.poll());
  leaf.value = "x";
  CHECK(task.poll());
  CHECK(alive == 0);
}

TEST_CASE("a result may be one that only moves, or nothing at all") {
  auto boxes = [](Control& leaf) -> Task<std::unique_ptr<std::string>> {
    co_return std::make_unique<std::string>(co_await Leaf(leaf));
  };
  auto opens = [&](Control& leaf) -> Task<Unit> {
    std::unique_ptr<std::string> box = co_await boxes(leaf);
    CHECK(*box == "x");
    co_return Unit{};
  };
  Control leaf;
  Task<Unit> task = opens(leaf);
  CHECK_FALSE(task.poll());
  leaf.value = "x";
  CHECK(task.poll().has_value());
}

TEST_CASE("each result is destroyed once") {
  auto counts = [](int& alive) -> Task<Counted> { co_return Counted(alive); };
  auto passes = [&](int& alive) -> Task<Counted> { co_return co_await counts(alive); };
  int alive = 0;
  {
    Task<Counted> task = passes(alive);
    PollState<Counted> result = task.poll();
    CHECK(result.has_value());
    CHECK(alive > 0);
  }
  CHECK(alive == 0);
}

TEST_CASE("a task waits for a task: values and exceptions travel up") {
  Control leaf;
  Log log;
  Task<std::string> task = nested(leaf, log);
  CHECK_FALSE(task.poll());
  CHECK_FALSE(task.poll());
  CHECK(leaf.polls == 2);
  leaf.value = "x";
  CHECK(task.poll() == "nested one: x");

  Control failing;
  Task<std::string> fails = nested(failing, log);
  CHECK_FALSE(fails.poll());
  failing.fail("the leaf failed");
  CHECK_THROWS_WITH_AS((void)fails.poll(), "the leaf failed", std::runtime_error);
  CHECK(log == Log{"the leaf failed"});
}

TEST_CASE("destroying a task destroys the task that it waits for") {
  std::size_t frames = NarratedFrame::frames;
  Control leaf;
  Log log;
  {
    Task<std::string> task = nested(leaf, log);
    CHECK_FALSE(task.poll());
    CHECK(NarratedFrame::frames == frames + 2);
    CHECK(leaf.alive == 1);
  }
  CHECK(NarratedFrame::frames == frames);
  CHECK(leaf.alive == 0);
}

TEST_CASE("a loop may wait as often as it likes, in one frame and on one stack") {
  auto sums = [](int count) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += co_await Ready();
    co_return sum;
  };
  std::size_t allocations = NarratedFrame::allocations;
  Task<int> task = sums(200'000);
  CHECK(task.poll() == 200'000);
  CHECK(NarratedFrame::allocations == allocations + 1);
}

TEST_CASE("both machines are lazy, and the server cannot tell them apart") {
  struct Seen {
    std::string result;
    Log asked;
    std::uint64_t peak = 0;
  };
  auto look = [](auto make) {
    Delayserver server;
    std::size_t sockets = testing::calls("socket");
    auto future = make(server.address(), 20ms);
    CHECK(testing::calls("socket") == sockets);
    Seen seen;
    // In between, the server gets on.
    seen.result = complete(future, [&] {
      std::uint64_t served = server.stats().served;
      (void)testing::eventually([&] {
        delay::Stats stats = server.stats();
        return stats.in_flight == 0 || stats.served > served;
      });
    });
    CHECK(testing::calls("socket") == sockets + 2);
    CHECK_THROWS_AS((void)future.poll(), std::logic_error);
    for (const delay::Exchange& exchange : server.answered())
      seen.asked.push_back(std::to_string(exchange.delay.count()) + " " + exchange.message);
    seen.peak = server.stats().peak_in_flight;
    return seen;
  };
  Seen by_hand = look(two_requests), by_compiler = look(co_two_requests);
  CHECK(by_hand.result == "request-0-b");
  CHECK(by_compiler.result == by_hand.result);
  CHECK(by_compiler.asked == Log{"40 request-0", "20 request-0-b"});
  CHECK(by_hand.asked == by_compiler.asked);
  CHECK(by_hand.peak == 1);
  CHECK(by_compiler.peak == 1);
}

TEST_CASE("a request that fails is an exception of both machines alike") {
  TwoRequests by_hand = two_requests(testing::nobody(), 20ms);
  Task<std::string> by_compiler = co_two_requests(testing::nobody(), 20ms);
  auto nothing = [] {};
  CHECK_THROWS_WITH_AS((void)complete(by_hand, nothing), "connect: Connection refused",
                       std::system_error);
  CHECK_THROWS_WITH_AS((void)complete(by_compiler, nothing), "connect: Connection refused",
                       std::system_error);
}

TEST_CASE("destroyed in flight, a machine closes its connection") {
  Delayserver server;
  std::size_t before = testing::open_descriptors();
  {
    Task<std::string> task = co_two_requests(server.address(), 60s);
    auto waits = [&] {
      CHECK_FALSE(task.poll());
      return server.stats().in_flight == 1;
    };
    REQUIRE(testing::eventually(waits));
    CHECK(testing::open_descriptors() > before);
  }
  // The server closes its end when it has seen that ours is gone.
  CHECK(testing::eventually([&] { return testing::open_descriptors() == before; }));
  CHECK(testing::eventually([&] { return server.stats().in_flight == 0; }));
}

TEST_CASE("the program runs both, and asks the server four times, once at a time") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.out, result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  CHECK(server.answered_messages() == Log{"request-0", "request-0-b", "request-0", "request-0-b"});
  CHECK(server.stats().peak_in_flight == 1);
  CHECK(row(result.out, "result") == Log{"result", "request-0-b", "request-0-b"});
}

TEST_CASE("the program counts places, bytes and allocations") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.out, result.err);
  CHECK(row(result.out, "places") == Log{"places", "4", "states", "4", "stops"});
  CHECK(row(result.out, "allocations") == Log{"allocations", "0", "1"});
  Log polls = row(result.out, "polls"), bytes = row(result.out, "bytes");
  REQUIRE(polls.size() == 3);
  CHECK(std::stoi(polls[1]) > 1);
  CHECK(std::stoi(polls[2]) > 1);
  REQUIRE(bytes.size() > 3);
  CHECK(bytes[1] == std::to_string(sizeof(TwoRequests)));
  CHECK(std::stoi(bytes[2]) > 0);
}

TEST_CASE("the program says the steps of the coroutine's life, in their order") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.out, result.err);
  Log steps;
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);)
    if (std::size_t at = line.find("step "); at != std::string::npos)
      steps.push_back(line.substr(at + 5, 1));
    else if (line.find("has returned") != std::string::npos)
      steps.push_back("returned");
  CHECK(steps == Log{"1", "2", "3", "4", "returned", "5", "5", "5", "5", "5", "5", "6", "7", "8"});
}

TEST_CASE("the program puts answers together from single bytes, and does not mind signals") {
  for (std::string plan : {"read:short", "read:every:EINTR", "read*:1:EAGAIN"}) {
    CAPTURE(plan);
    Delayserver server;
    process::Result result =
        testing::run(STAGE_PROGRAM, testing::stage_options(server.address()), plan);
    INFO(result.out, result.err);
    CHECK(result.exit.describe() == "exit status 0");
    CHECK(server.stats().served == 4);
  }
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_error_reports(STAGE_PROGRAM);
}
