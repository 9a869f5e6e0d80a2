// The suite of ch09/c-problem. (The executor and the reactor are those of chapter 8, and have their
// suite there.)

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "machines.hpp"
#include "moves_once.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"
#include "testing/stage_program.hpp"
#include "waker.hpp"

using testing::Delayserver;

namespace {

constexpr bool addresses_are_watched = COURSE_ADDRESS_SANITIZER;

// What is seen of a future and of those that it has been moved to.
struct Seen {
  int alive = 0, moves = 0, polls = 0;
  std::vector<int> moves_at_polls;  // at each poll: how often it had been moved before
};

// Ready at that poll with its number, or throws at it. It is moved, and says so.
class Told final : public Future<std::unique_ptr<int>> {
 public:
  Told(Seen& seen, int ready_at, bool throws = false)
      : seen_(&seen), ready_at_(ready_at), throws_(throws) {
    ++seen_->alive;
  }
  Told(Told&& other) noexcept
      : seen_(other.seen_), ready_at_(other.ready_at_), throws_(other.throws_) {
    ++seen_->alive;
    ++seen_->moves;
  }
  Told& operator=(Told&&) = delete;
  ~Told() override { --seen_->alive; }

  PollState<std::unique_ptr<int>> poll(const Waker&) override {
    seen_->moves_at_polls.push_back(seen_->moves);
    if (++seen_->polls < ready_at_) return std::nullopt;
    if (throws_) throw std::runtime_error("on purpose");
    return std::make_unique<int>(seen_->polls);
  }

 private:
  Seen* seen_;
  int ready_at_;
  bool throws_;
};

const Waker nobody_s_waker(1, std::make_shared<ReadyQueue>(), std::make_shared<Parker>());

// What the program does with --dangling.
process::Result run_dangling(const net::Address& server, const std::string& faults = "",
                             std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = testing::stage_options(server);
  arguments.push_back("--dangling");
  arguments.insert(arguments.end(), more.begin(), more.end());
  return testing::run(STAGE_PROGRAM, arguments, faults);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

// The verdict of the parent, which comes last, and once: a child that went on as its parent does
// would say one, too.
std::string verdict(const std::string& output) {
  const std::string begin = "  main      ended     child       ";
  REQUIRE(count(output, begin) == 1);
  std::size_t at = output.find(begin) + begin.size();
  REQUIRE(output.find('\n', at) == output.size() - 1);
  return output.substr(at, output.size() - 1 - at);
}

}  // namespace

TEST_CASE("between its first poll and its second the future is moved, once") {
  for (Leaves leaves : {Leaves::old_one, Leaves::nothing}) {
    Seen seen;
    MovesOnce moving(Told(seen, 4), leaves);
    const int before = seen.moves;  // to where it is polled for the first time
    for (int i = 0; i < 3; ++i) CHECK_FALSE(moving.poll(nobody_s_waker).has_value());
    CHECK(moving.poll(nobody_s_waker).has_value());
    CHECK(seen.moves_at_polls == std::vector<int>{before, before + 1, before + 1, before + 1});
    CHECK(seen.moves == before + 1);
  }
}

TEST_CASE("its result is the future's, which it moves") {
  Seen seen;
  MovesOnce moving(Told(seen, 3), Leaves::nothing);
  CHECK_FALSE(moving.poll(nobody_s_waker).has_value());
  CHECK_FALSE(moving.poll(nobody_s_waker).has_value());
  PollState<std::unique_ptr<int>> result = moving.poll(nobody_s_waker);
  REQUIRE(result.has_value());
  CHECK(**result == 3);
  CHECK(seen.polls == 3);
}

TEST_CASE("a future that is ready at once is not moved") {
  Seen seen;
  MovesOnce moving(Told(seen, 1), Leaves::nothing);
  const int before = seen.moves;
  PollState<std::unique_ptr<int>> result = moving.poll(nobody_s_waker);
  REQUIRE(result.has_value());
  CHECK(**result == 1);
  CHECK(seen.moves == before);
  CHECK(seen.alive == 1);
}

TEST_CASE("an exception comes out, from the first place and from the second") {
  for (int poll : {1, 2}) {
    Seen seen;
    MovesOnce moving(Told(seen, poll, true), Leaves::old_one);
    if (poll == 2) CHECK_FALSE(moving.poll(nobody_s_waker).has_value());
    CHECK_THROWS_WITH_AS((void)moving.poll(nobody_s_waker), "on purpose", std::runtime_error);
    CHECK(seen.polls == poll);
  }
}

TEST_CASE("the one that was moved from stays for as long as the whole, or is gone at once") {
  for (Leaves leaves : {Leaves::old_one, Leaves::nothing}) {
    Seen seen;
    {
      MovesOnce moving(Told(seen, 3), leaves);
      CHECK(seen.alive == 1);
      for (int i = 0; i < 2; ++i) {
        CHECK_FALSE(moving.poll(nobody_s_waker).has_value());
        CHECK(seen.alive == (leaves == Leaves::old_one ? 2 : 1));
      }
      CHECK(moving.poll(nobody_s_waker).has_value());
    }
    CHECK(seen.alive == 0);
  }
}

TEST_CASE("before its first poll it is moved like any other future, and that counts for nothing") {
  Seen seen;
  MovesOnce first(Told(seen, 2), Leaves::old_one);
  auto second = std::make_unique<MovesOnce<Told>>(std::move(first));
  CHECK(seen.polls == 0);
  const int before = seen.moves;
  CHECK_FALSE(second->poll(nobody_s_waker).has_value());
  CHECK(seen.moves == before + 1);
  CHECK(second->poll(nobody_s_waker).has_value());
}

TEST_CASE("the program counts all bytes and loses the text, although nothing of it dangles") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.out, result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(result.err == "");
  CHECK(result_line(result.out).ends_with("  27 bytes:"));
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2"});

  CHECK(count(result.out, "  move  ") == 1);  // with a child, or without a move, it would be right
  std::istringstream line(result.out.substr(result.out.find("  move  ")));
  std::string move, main, from, old_place, to, new_place;
  line >> move >> main >> from >> old_place >> to >> new_place;
  CHECK(old_place.starts_with("0x"));
  CHECK(new_place.starts_with("0x"));
  CHECK(old_place != new_place);
  CHECK(result.out.find("  child  ") == std::string::npos);
}

TEST_CASE("with --dangling a child follows the pointer, and its parent says how it ended") {
  Delayserver server;
  process::Result result = run_dangling(server.address());
  INFO(result.out, result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(count(result.out, "  move  ") == 1);
  // What the child does is undefined, unless somebody watches it.
  std::string child = verdict(result.out);
  bool ended = child.starts_with("with exit status ") || child.starts_with("by signal ");
  CHECK(ended);
  if (addresses_are_watched) {
    CHECK(count(result.err, "AddressSanitizer: heap-use-after-free") >= 1);
    CHECK(child != "with exit status 0");
  }
}

TEST_CASE("with --dangling nobody is left when the program has ended, and signals do not matter") {
  // Whoever has lost its parent becomes our child.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return;
  for (const char* faults : {"", "waitpid*:every:EINTR"}) {
    Delayserver server;
    process::Result result = run_dangling(server.address(), faults);
    INFO(faults, result.out, result.err);
    CHECK(result.exit.describe() == "exit status 0");
    CHECK(verdict(result.out) != "");
    errno = 0;
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
  }
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

TEST_CASE("a child that finds no server says so in one line, and does not go on as its parent") {
  process::Result result = run_dangling(testing::nobody());
  INFO(result.out, result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(verdict(result.out) == "with exit status 1");
  CHECK(count(result.err, "\n") == 1);
  CHECK(count(result.err, "./course serve") == 1);
}

TEST_CASE("where there can be no child, the program says why") {
  Delayserver server;
  process::Result result = run_dangling(server.address(), "fork:1:EAGAIN");
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(count(result.err, "\n") == 1);
  CHECK(count(result.err, "fork") == 1);
  CHECK(server.stats().served == 0);
}

TEST_CASE("the trace with --dangling is the parent's, and whole") {
  Delayserver server;
  testing::TemporaryFolder folder;
  const std::string file = folder.path() / "trace.json";
  process::Result result = run_dangling(server.address(), "", {"--trace", file});
  CHECK(result.exit.describe() == "exit status 0");
  std::ifstream stream(file);
  std::string trace(std::istreambuf_iterator<char>(stream), {});
  CHECK(trace.starts_with("[\n"));
  CHECK(trace.ends_with("\n]\n"));
  CHECK(count(trace, "\"name\":\"ended\"") == 1);
  CHECK(count(trace, "\"name\":\"move\"") == 0);
}

TEST_CASE("an option that it does not know ends it with exit status 2") {
  process::Result result = testing::run(STAGE_PROGRAM, {"--dangle"});
  CHECK(result.exit.describe() == "exit status 2");
  CHECK(count(result.err, "--dangle") == 1);
  CHECK(result.out == "");
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
