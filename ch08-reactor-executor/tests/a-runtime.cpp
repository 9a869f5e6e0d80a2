// The suite of ch08/a-runtime.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "runtime.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "testing/source.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;
using testing::Source;

namespace {

// A leaf: ready when its source has been ready `times` times. Counts how often it is asked, and
// before each answer of "not yet" does what the case wants to happen then.
class Leaf final : public Future<int> {
 public:
  Leaf(const Source& source, int times, std::atomic<int>& polls,
       void (*before_waiting)(const Source&) = nullptr)
      : source_(&source), times_(times), polls_(&polls), before_waiting_(before_waiting) {}
  PollState<int> poll() override {
    int polls = ++*polls_;
    if (polls == 1) registration_ = Runtime::current().add(source_->fd(), "leaf");
    while (times_ > 0 && source_->take()) --times_;
    if (times_ == 0) return polls;
    if (before_waiting_ != nullptr) before_waiting_(*source_);
    return std::nullopt;
  }

 private:
  const Source* source_;
  int times_;
  std::atomic<int>* polls_;
  void (*before_waiting_)(const Source&);
  Registration registration_;
};

class Ready final : public Future<int> {
 public:
  PollState<int> poll() override { return 7; }
};

class Throws final : public Future<Unit> {
 public:
  PollState<Unit> poll() override { throw std::runtime_error("on purpose"); }
};

class Never final : public Future<Unit> {
 public:
  PollState<Unit> poll() override { return std::nullopt; }
};

}  // namespace

TEST_CASE("what is ready at once is never waited for") {
  Runtime runtime;
  CHECK(runtime.block_on(Ready()) == 7);
  CHECK(runtime.polls() == 1);
  CHECK(runtime.waits() == 0);
}

TEST_CASE("the root is polled once at the start and once after each event, and not in between") {
  Source source;
  std::atomic<int> polls = 0;
  Runtime runtime;
  // Each time it becomes ready only after the leaf has said that it is not.
  int at_end =
      runtime.block_on(Leaf(source, 5, polls, [](const Source& one) { one.make_ready(); }));
  CHECK(at_end == 6);
  CHECK(runtime.polls() == 6);
  CHECK(runtime.waits() == 5);
}

TEST_CASE("an event between the answer 'not yet' and the wait is not lost") {
  Source source;
  std::atomic<int> polls = 0;
  Runtime runtime;
  runtime.block_on(Leaf(source, 1, polls, [](const Source& one) { one.make_ready(); }));
  CHECK(polls == 2);
}

TEST_CASE("an event from another thread wakes it up, and nothing else does") {
  Source source;
  std::atomic<int> polls = 0;
  Runtime runtime;
  std::thread other([&] {
    CHECK(testing::eventually([&] { return polls > 0; }));
    source.make_ready();
  });
  runtime.block_on(Leaf(source, 1, polls));
  other.join();
  CHECK(polls == 2);
}

TEST_CASE("of many sources, each event is one poll of the root") {
  std::vector<Source> sources(50);
  std::vector<std::atomic<int>> polls(sources.size());
  std::vector<Box<int>> leaves;
  for (std::size_t i = 0; i < sources.size(); ++i)
    leaves.push_back(box(Leaf(sources[i], 1, polls[i])));
  Runtime runtime;
  std::thread other([&] {
    for (std::size_t i = 0; i < sources.size(); ++i) {  // each when the one before has been seen
      CHECK(testing::eventually([&] { return polls.back() > static_cast<int>(i); }));
      sources[i].make_ready();
    }
  });
  runtime.block_on(join_all(std::move(leaves)));
  other.join();
  CHECK(runtime.waits() == 50);
  CHECK(runtime.polls() == 51);
}

TEST_CASE("a leaf that is destroyed is not in the queue any more") {
  Source gone, stays;
  Runtime runtime;
  std::atomic<int> polls = 0;
  {
    Leaf leaf(gone, 1, polls);
    REQUIRE_FALSE(leaf.poll().has_value());
  }
  gone.make_ready();
  std::atomic<int> others = 0;
  runtime.block_on(Leaf(stays, 1, others, [](const Source& one) { one.make_ready(); }));
  CHECK(others == 2);  // an event of the first one would have been one poll more
  CHECK(runtime.polls() == 2);
}

TEST_CASE("a registration can be moved, and ends once") {
  Source source, other;
  Runtime runtime;
  Registration first = runtime.add(source.fd(), "source");
  {
    Registration second = std::move(first);
    first = runtime.add(other.fd(), "other");
    first = std::move(second);  // other ends here
  }
  // It is still there, and is the only one: without it there would be nothing to wait for.
  std::atomic<int> polls = 0;
  std::thread later([&] {
    CHECK(testing::eventually([&] { return polls == 1; }));
    source.make_ready();
  });
  class Asked final : public Future<int> {
   public:
    explicit Asked(std::atomic<int>& polls) : polls_(&polls) {}
    PollState<int> poll() override {
      if (++*polls_ == 1) return std::nullopt;
      return 1;
    }

   private:
    std::atomic<int>* polls_;
  };
  CHECK(runtime.block_on(Asked(polls)) == 1);
  later.join();
  first = Registration();
  polls = 0;
  CHECK_THROWS_AS(runtime.block_on(Asked(polls)), std::logic_error);
}

TEST_CASE("to wait where nothing is registered is an error, not an endless sleep") {
  Runtime runtime;
  CHECK_THROWS_AS(runtime.block_on(Never()), std::logic_error);
}

TEST_CASE("an exception of the future comes out of block_on(), and the runtime can go on") {
  Runtime runtime;
  CHECK_THROWS_WITH_AS(runtime.block_on(Throws()), "on purpose", std::runtime_error);
  CHECK(runtime.block_on(Ready()) == 7);
}

TEST_CASE("without a runtime a leaf says so") {
  Delayserver server;
  HttpGet request = get(server.address(), "hello", 1ms);
  CHECK_THROWS_AS(static_cast<void>(request.poll()), std::logic_error);
  Runtime runtime;
  CHECK(runtime.block_on(get(server.address(), "hello", 1ms)) == "hello");
}

TEST_CASE("a thread has one runtime at a time, and may have another one afterwards") {
  {
    Runtime runtime;
    CHECK_THROWS_AS(Runtime(), std::logic_error);
    CHECK(&Runtime::current() == &runtime);  // the first one has not lost its place
  }
  Runtime again;
  CHECK(again.block_on(Ready()) == 7);
  std::thread other([] {
    Runtime own;
    CHECK(own.block_on(Ready()) == 7);
  });
  other.join();
}

TEST_CASE("two requests: the second one is not started before the first one is there") {
  Delayserver server;
  Runtime runtime;
  CHECK(runtime.block_on(get(server.address(), "one", 10ms)) == "one");
  CHECK(runtime.block_on(get(server.address(), "two", 10ms)) == "two");
  CHECK(server.stats().peak_in_flight == 1);
}

TEST_CASE("whatever happens, no descriptor is left") {
  Peer rude([](net::TcpStream stream) { testing::read_request(stream); });
  std::size_t before = testing::open_descriptors();
  {
    Runtime runtime;
    CHECK_THROWS(runtime.block_on(get(rude.address(), "hello", 0ms)));
    std::vector<Box<std::string>> both;
    both.push_back(box(get(rude.address(), "one", 0ms)));
    both.push_back(box(get(rude.address(), "two", 0ms)));
    CHECK_THROWS(runtime.block_on(join_all(std::move(both))));
  }
  // (The other end is in this process, too, and takes a moment.)
  CHECK(testing::eventually([&] { return testing::open_descriptors() == before; }));
}

TEST_CASE("the program has all five requests on their way, and sleeps until there is something") {
  testing::CountedResult counted = testing::check_all_in_flight(STAGE_PROGRAM);
  // One for each answer, and some for connections and answers that come in pieces.
  CHECK(counted.calls["epoll_wait"] >= 1);
  CHECK(counted.calls["epoll_wait"] <= 25);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
