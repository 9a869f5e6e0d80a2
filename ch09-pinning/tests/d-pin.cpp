// The suite of ch09/d-pin. (The reactor and what else has not changed is that of chapter 8, and has
// its suite there. So has the executor: here are the cases in which it has to do with Pinned.)

#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "machines.hpp"
#include "net/address.hpp"
#include "parker.hpp"
#include "pinned.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"
#include "testing/delayserver.hpp"
#include "testing/peer.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"
#include "waker.hpp"

using namespace std::chrono_literals;
using testing::Delayserver;
using testing::Peer;

namespace {

// A waker, and the sleep that it ends.
class Woken {
 public:
  [[nodiscard]] Waker waker() const { return Waker(1, queue_, parker_); }
  void wait() const { parker_->park(); }

 private:
  std::shared_ptr<ReadyQueue> queue_ = std::make_shared<ReadyQueue>();
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
};

template <class T>
PollState<T> poll(const Pinned<T>& future) {
  return future->poll(Woken().waker());
}

// What is seen of a future. It must outlive it.
struct Seen {
  const void* made_at = nullptr;
  std::vector<const void*> polled_at;
  int alive = 0, destroyed = 0;

  [[nodiscard]] bool stood_still() const {
    for (const void* place : polled_at)
      if (place != made_at) return false;
    return made_at != nullptr;
  }
};

// Neither copied nor moved. Ready at that poll, with its number. (Suites hand a pointer over, and
// not a reference: whether references arrive has a case of its own.)
class Still final : public Future<int> {
 public:
  explicit Still(Seen* seen, int ready_at = 3) : seen_(seen), ready_at_(ready_at) {
    seen_->made_at = this;
    ++seen_->alive;
  }
  Still(const Still&) = delete;
  Still& operator=(const Still&) = delete;
  ~Still() override {
    --seen_->alive;
    ++seen_->destroyed;
  }
  PollState<int> poll(const Waker&) override {
    seen_->polled_at.push_back(this);
    if (++polls_ < ready_at_) return std::nullopt;
    return polls_;
  }

 private:
  Seen* seen_;
  int ready_at_;
  int polls_ = 0;
};

// As simple as a future can be: it moves if the base class lets it.
struct Plain final : Future<int> {
  PollState<int> poll(const Waker&) override { return 7; }
};

// What corofy makes of this, where read() is ready at every second poll:
//   std::string text;
//   std::string& same = text;
//   for (int i = 0; i < 3; ++i) same += wait read();
//   return text;
class PointsIntoItself final : public Future<std::string> {
 public:
  PollState<std::string> poll(const Waker&) override {
    if (same_ == nullptr) same_ = &text_;
    waits_ = !waits_;
    if (waits_) return std::nullopt;
    *same_ += std::to_string(i_);
    if (++i_ < 3) return std::nullopt;
    return text_;
  }

 private:
  std::string text_;
  std::string* same_ = nullptr;
  int i_ = 0;
  bool waits_ = false;
};

// How an argument has arrived.
struct Arrived {
  int count = 0;
  bool as_lvalue = false, as_const = false;
  const void* at = nullptr;
};

// Takes any arguments, and says how the last one has arrived.
class Asked final : public Future<int> {
 public:
  template <class... Args>
  explicit Asked([[maybe_unused]] Arrived* arrived, Args&&... args) {
    (note(*arrived, std::forward<Args>(args)), ...);
  }
  PollState<int> poll(const Waker&) override { return 0; }

 private:
  template <class Arg>
  static void note(Arrived& arrived, Arg&& arg) {
    ++arrived.count;
    arrived.as_lvalue = std::is_lvalue_reference_v<Arg>;
    arrived.as_const = std::is_const_v<std::remove_reference_t<Arg>>;
    arrived.at = &arg;
  }
};

// A task that does in each poll what the case says, with the number of the poll.
class Scripted final : public Future<Unit> {
 public:
  using Script = std::function<PollState<Unit>(int, const Waker&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  PollState<Unit> poll(const Waker& waker) override {
    REQUIRE_MESSAGE(++polls_ <= 10'000, "it is polled again and again");
    return script_(polls_, waker);
  }

 private:
  Script script_;
  int polls_ = 0;
};

PollState<Unit> ready_if(bool condition) {
  if (condition) return Unit{};
  return std::nullopt;
}

// A server that keeps whoever has asked it waiting, and sees them go.
class Patient {
 public:
  Patient() = default;
  Patient(const Patient&) = delete;
  Patient& operator=(const Patient&) = delete;
  ~Patient() { over_ = true; }  // also if they stay
  [[nodiscard]] net::Address address() const { return peer_.address(); }
  [[nodiscard]] bool is_asked() const { return asked_; }
  [[nodiscard]] bool is_left() const { return left_; }

 private:
  std::atomic<bool> over_ = false, asked_ = false, left_ = false;
  Peer peer_{[this](net::TcpStream stream) {
    testing::read_request(stream);
    asked_ = true;
    char byte = 0;
    while (!over_ && !left_) {
      ssize_t count = ::recv(stream.fd().get(), &byte, 1, MSG_DONTWAIT);
      left_ = count == 0 || (count == -1 && errno != EAGAIN && errno != EINTR);
      std::this_thread::yield();
    }
  }};
};

}  // namespace

TEST_CASE("no future can be moved, copied or assigned, and nor can what is derived from it") {
  CHECK_FALSE(std::is_move_constructible_v<Plain>);
  CHECK_FALSE(std::is_copy_constructible_v<Plain>);
  CHECK_FALSE(std::is_move_assignable_v<Plain>);
  CHECK_FALSE(std::is_copy_assignable_v<Plain>);
  CHECK_FALSE(std::is_move_constructible_v<HttpGet>);
  CHECK_FALSE(std::is_move_assignable_v<HttpGet>);
}

TEST_CASE("pin() makes a future in the place where each poll finds it") {
  Seen seen;
  Pinned<int> future = pin<Still>(&seen, 4);
  CHECK(seen.made_at != nullptr);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(poll(future).has_value());
  CHECK(poll(future) == 4);
  CHECK(seen.polled_at.size() == 4);
  CHECK(seen.stood_still());
  CHECK(seen.alive == 1);
}

TEST_CASE("the place suits the future, also one that asks for a wider alignment") {
  struct alignas(64) Wide final : Future<std::uintptr_t> {
    PollState<std::uintptr_t> poll(const Waker&) override {
      return reinterpret_cast<std::uintptr_t>(this);
    }
  };
  std::vector<Pinned<std::uintptr_t>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(pin<Wide>());
  for (const auto& future : futures) CHECK(poll(future).value_or(1) % 64 == 0);
}

TEST_CASE("arguments reach the constructor as they were given: temporaries, references, none") {
  CHECK(poll(pin<Plain>()) == 7);

  Arrived arrived;
  std::string text = "text";
  const std::string fixed = "fixed";
  (void)pin<Asked>(&arrived, 1, text);
  CHECK(arrived.count == 2);
  CHECK(arrived.as_lvalue);
  CHECK_FALSE(arrived.as_const);
  CHECK(arrived.at == &text);

  (void)pin<Asked>(&arrived, fixed);
  CHECK(arrived.as_lvalue);
  CHECK(arrived.as_const);
  CHECK(arrived.at == &fixed);

  (void)pin<Asked>(&arrived, std::move(text));
  CHECK_FALSE(arrived.as_lvalue);
  CHECK(arrived.at == &text);
  CHECK(text == "text");  // it is the constructor that would have moved it

  (void)pin<Asked>(&arrived, std::make_unique<int>(1));  // which cannot be copied
  CHECK_FALSE(arrived.as_lvalue);
}

TEST_CASE("what a constructor throws comes out of pin(), and nothing is left of it") {
  struct Throws final : Future<int> {
    explicit Throws(std::shared_ptr<int> held) : part(std::move(held)) {
      throw std::runtime_error("on purpose");
    }
    PollState<int> poll(const Waker&) override { return 0; }
    std::shared_ptr<int> part;
  };
  auto held = std::make_shared<int>();
  CHECK_THROWS_WITH_AS((void)pin<Throws>(std::shared_ptr<int>(held)), "on purpose",
                       std::runtime_error);
  CHECK(held.use_count() == 1);
}

TEST_CASE("when a constructor throws, the memory is given back, too") {
  struct Big final : Future<int> {
    Big() { throw std::runtime_error("on purpose"); }
    PollState<int> poll(const Waker&) override { return room[0]; }
    char room[8 << 20] = {};
  };
  auto in_use = [] {
    struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
  };
  const std::size_t before = in_use();
  CHECK_THROWS_AS((void)pin<Big>(), std::runtime_error);
  CHECK(in_use() < before + sizeof(Big) / 2);
}

TEST_CASE("a Pinned moves, and its future stays where it is: through functions and vectors") {
  constexpr std::size_t count = 50;
  std::vector<Seen> seen(count);
  std::vector<Pinned<int>> futures;
  auto through_a_function = [](Pinned<int> future) { return future; };
  for (std::size_t i = 0; i < count; ++i) {
    Pinned<int> future = through_a_function(pin<Still>(&seen[i]));
    CHECK_FALSE(poll(future).has_value());
    futures.push_back(std::move(future));  // the others move whenever the vector grows
  }
  for (const Pinned<int>& future : futures) CHECK_FALSE(poll(future).has_value());
  std::swap(futures[0], futures[1]);
  futures[2] = std::move(futures.back());
  futures.pop_back();
  for (const Pinned<int>& future : futures) CHECK(poll(future) == 3);
  CHECK(seen[2].alive == 0);
  for (std::size_t i = 0; i < count; ++i)
    if (i != 2) CHECK(seen[i].stood_still());
}

TEST_CASE("a future is destroyed once: with its Pinned, or when that gets another one") {
  Seen first, second, third;
  {
    Pinned<int> future = pin<Still>(&first);
    Pinned<int> moved = std::move(future);
    CHECK(first.alive == 1);
    moved = pin<Still>(&second);
    CHECK(first.alive == 0);
    CHECK(second.alive == 1);
    std::vector<Pinned<int>> futures;
    futures.push_back(std::move(moved));
    futures.push_back(pin<Still>(&third));
    (void)poll(futures[1]);
    futures.erase(futures.begin());
    CHECK(second.alive == 0);
    CHECK(third.alive == 1);
  }
  for (const Seen* each : {&first, &second, &third}) {
    CHECK(each->destroyed == 1);
    CHECK(each->alive == 0);
  }
}

TEST_CASE("an assignment from another Pinned destroys the future that was there, at once") {
  Seen first, second;
  Pinned<int> owner = pin<Still>(&first);
  Pinned<int> other = pin<Still>(&second);
  owner = std::move(other);
  CHECK(first.alive == 0);  // its work is cancelled, though `other` is there still
  CHECK(second.alive == 1);
  CHECK_FALSE(poll(owner).has_value());
  CHECK(second.stood_still());
}

TEST_CASE("a Pinned is the only one that owns its future: it can be moved, and not copied") {
  CHECK_FALSE(std::is_copy_constructible_v<Pinned<int>>);
  CHECK_FALSE(std::is_copy_assignable_v<Pinned<int>>);
  CHECK(std::is_move_constructible_v<Pinned<int>>);
  CHECK(std::is_move_assignable_v<Pinned<int>>);
}

TEST_CASE("Pinneds of one result are of one type, whatever the classes of their futures") {
  Seen seen;
  Arrived arrived;
  std::vector<Pinned<int>> futures;
  futures.push_back(pin<Plain>());
  futures.push_back(pin<Still>(&seen, 1));
  futures.push_back(pin<Asked>(&arrived));
  std::vector<PollState<int>> results;
  for (const Pinned<int>& future : futures) results.push_back(poll(future));
  CHECK(results == std::vector<PollState<int>>{7, 1, 0});
}

TEST_CASE("a result may be anything that moves, and an exception comes out of poll()") {
  struct Gives final : Future<std::unique_ptr<int>> {
    PollState<std::unique_ptr<int>> poll(const Waker&) override { return std::make_unique<int>(7); }
  };
  struct Throws final : Future<std::unique_ptr<int>> {
    PollState<std::unique_ptr<int>> poll(const Waker&) override {
      throw std::runtime_error("on purpose");
    }
  };
  PollState<std::unique_ptr<int>> result = poll(pin<Gives>());
  REQUIRE(result.has_value());
  CHECK(**result == 7);
  CHECK_THROWS_WITH_AS((void)poll(pin<Throws>()), "on purpose", std::runtime_error);
}

TEST_CASE("a machine that points into itself survives whatever is done with its Pinned") {
  std::vector<Pinned<std::string>> machines;
  std::vector<std::string> results;
  machines.push_back(pin<PointsIntoItself>());
  for (int i = 0; i < 6; ++i) {
    for (Pinned<std::string>& machine : machines) {
      if (PollState<std::string> result = poll(machine)) {
        results.push_back(*result);
        machine = pin<PointsIntoItself>();
      }
      Pinned<std::string> elsewhere = std::move(machine);
      machine = std::move(elsewhere);
    }
    machines.push_back(pin<PointsIntoItself>());
  }
  CHECK(results == std::vector<std::string>{"012"});
}

TEST_CASE("before its first poll a request does nothing, not even without a server and a reactor") {
  std::size_t before = testing::open_descriptors();
  net::Address nowhere = testing::nobody();
  {
    Pinned<std::string> request = get(nowhere, "hello", 0ms);
    CHECK(testing::open_descriptors() == before);
    Pinned<std::string> moved = std::move(request);
  }
  Pinned<std::string> early = get(nowhere, "hello", 0ms);
  Reactor reactor;
  Pinned<std::string> request = std::move(early);
  Woken woken;
  auto poll_to_the_end = [&] {
    for (int polls = 0; polls < 100 && !request->poll(woken.waker()); ++polls) woken.wait();
  };
  CHECK_THROWS_WITH_AS(poll_to_the_end(), "connect: Connection refused", std::system_error);
}

TEST_CASE("a request may be moved in flight, and brings its body") {
  Delayserver server;
  Reactor reactor;
  Woken woken;
  std::vector<Pinned<std::string>> requests;
  requests.push_back(get(server.address(), "hello", 20ms));
  PollState<std::string> body;
  for (int polls = 0; !body && polls < 100; ++polls) {
    body = requests.back()->poll(woken.waker());
    Pinned<std::string> moved = std::move(requests.back());
    requests.push_back(std::move(moved));
    if (!body) woken.wait();
  }
  CHECK(body == "hello");
  CHECK(server.stats().served == 1);
  CHECK_THROWS_AS((void)requests.back()->poll(woken.waker()), std::logic_error);
}

TEST_CASE("a request that is dropped in flight closes its connection, and takes back its waker") {
  Patient server;
  auto parker = std::make_shared<Parker>();  // which each copy of the waker keeps
  Reactor reactor;
  {
    Pinned<std::string> request = get(server.address(), "hello", 0ms);
    Waker waker(1, std::make_shared<ReadyQueue>(), parker);
    const long without = parker.use_count();
    REQUIRE(testing::eventually([&] {
      REQUIRE_FALSE(request->poll(waker).has_value());
      return server.is_asked();
    }));
    CHECK(parker.use_count() > without);
    CHECK_FALSE(server.is_left());
  }
  // The reactor may hold a copy for a moment more.
  CHECK(testing::eventually([&] { return parker.use_count() == 1 && server.is_left(); }));
}

TEST_CASE("the executor takes a Pinned, and polls its future where it was made") {
  constexpr std::size_t count = 100;
  struct Task final : Future<Unit> {
    explicit Task(Seen* one) : seen(one) {
      seen->made_at = this;
      ++seen->alive;
    }
    ~Task() override {
      --seen->alive;
      ++seen->destroyed;
    }
    PollState<Unit> poll(const Waker& waker) override {
      seen->polled_at.push_back(this);
      waker.wake();
      return ready_if(seen->polled_at.size() == 5);
    }
    Seen* seen;
  };
  std::vector<Seen> seen(count);
  Executor executor;
  for (Seen& each : seen) executor.spawn(pin<Task>(&each));
  for (const Seen& each : seen) CHECK(each.polled_at.empty());
  executor.run();
  for (const Seen& each : seen) {
    CHECK(each.polled_at.size() == 5);
    CHECK(each.stood_still());
    CHECK(each.alive == 0);
    CHECK(each.destroyed == 1);
  }
  CHECK(executor.polls() == 5 * count);
}

TEST_CASE("a task is polled once at the start, and at most once for each wake") {
  constexpr std::size_t count = 50;
  constexpr int wakes = 3;
  std::vector<int> polls(count);
  std::vector<Waker> wakers;
  std::atomic<bool> last = false;
  std::thread other;
  auto wake_all = [&] {
    for (int i = 0; i < wakes; ++i) {
      last = i + 1 == wakes;
      for (const Waker& waker : wakers) waker.wake();
    }
  };
  Executor executor;
  for (std::size_t i = 0; i < count; ++i)
    executor.spawn(pin<Scripted>([&, i](int number, const Waker& waker) {
      polls[i] = number;
      if (number > 1) return ready_if(last);
      wakers.push_back(waker);
      if (wakers.size() == count) other = std::thread(wake_all);
      return ready_if(false);
    }));
  executor.run();
  other.join();
  for (int of_one : polls) {
    CHECK(of_one >= 2);
    CHECK(of_one <= wakes + 1);
  }
}

TEST_CASE("each task has a number of its own: whoever spawns others goes on, and so do they") {
  int polls = 0, ended = 0;
  auto in_two_polls = [&](int number, const Waker& waker) {
    if (number == 1) waker.wake();
    if (number == 2) ++ended;
    return ready_if(number == 2);
  };
  Executor executor;
  executor.spawn(pin<Scripted>(in_two_polls));
  executor.spawn(pin<Scripted>([&](int number, const Waker& waker) {
    polls = number;
    for (int i = 0; i < 2 && number < 4; ++i) spawn(pin<Scripted>(in_two_polls));
    waker.wake();
    return ready_if(number == 4);
  }));
  executor.run();
  CHECK(polls == 4);
  CHECK(ended == 1 + 3 * 2);
}

TEST_CASE("what a task throws ends that task only, and comes out of run() when all have ended") {
  int polls = 0;
  Executor executor;
  executor.spawn(pin<Scripted>(
      [](int, const Waker&) -> PollState<Unit> { throw std::runtime_error("on purpose"); }));
  executor.spawn(pin<Scripted>([&](int number, const Waker& waker) {
    polls = number;
    waker.wake();
    return ready_if(number == 5);
  }));
  CHECK_THROWS_WITH_AS(executor.run(), "on purpose", std::runtime_error);
  CHECK(polls == 5);
  executor.run();  // and not a second time
}

TEST_CASE("spawn() gives a Pinned to the executor that runs here, or says that there is none") {
  int ended = 0;
  Executor executor;
  executor.spawn(pin<Scripted>([&](int, const Waker&) {
    for (int i = 0; i < 3; ++i)
      spawn(pin<Scripted>([&](int, const Waker&) {
        ++ended;
        return Unit{};
      }));
    CHECK(ended == 0);
    return Unit{};
  }));
  executor.run();
  CHECK(ended == 3);
  CHECK(executor.polls() == 4);

  auto held = std::make_shared<int>();
  CHECK_THROWS_AS(spawn(pin<Scripted>([held](int, const Waker&) { return Unit{}; })),
                  std::logic_error);
  CHECK(held.use_count() == 1);
}

TEST_CASE("tasks that have not ended are destroyed with their executor, polled or not") {
  auto held = std::make_shared<int>();
  {
    Executor executor;
    for (int i = 0; i < 3; ++i)
      executor.spawn(pin<Scripted>([held](int, const Waker&) { return ready_if(false); }));
    CHECK(held.use_count() == 4);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("the program makes its requests one after the other, and keeps what they bring") {
  Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.out, result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  CHECK(result_line(result.out).ends_with("  27 bytes: request-0 request-1 request-2"));
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2"});
  CHECK(server.stats().peak_in_flight == 1);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
