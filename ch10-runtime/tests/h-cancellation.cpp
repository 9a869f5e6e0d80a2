// The suite of ch10/h-cancellation.

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)
#include "cancel.hpp"
#include "combinator_cases.hpp"
#include "group.hpp"

namespace {

// Runs the task with this token, and says how it has ended.
Task<std::string> ending_of(std::stop_token token, Task<> task) {
  try {
    co_await with_token(std::move(token), std::move(task));
    co_return "ended";
  } catch (const Cancelled&) {
    co_return "cancelled";
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

Task<> forever() {
  Counted local;
  co_await sleep_for(24h);
}

}  // namespace

TEST_CASE("a stop reaches the leaf, however deep, and what lies between is destroyed on the way") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::stop_source source;
    std::function<Task<>(int)> level = [&](int depth) -> Task<> {
      Counted local;
      if (depth == 0)
        co_await forever();
      else
        co_await level(depth - 1);
    };
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), level(20)));
    co_await sleep_for(1ms);
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("stopped before it waits: the wait ends at once") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::stop_source source;
    source.request_stop();
    CHECK(co_await ending_of(source.get_token(), forever()) == "cancelled");
  });
}

TEST_CASE(
    "stopped from another thread, at any moment: cancelled or ended, and never both or none") {
  Reactor reactor;
  for (int i = 0; i < 200; ++i) {
    run_body([&]() -> Task<> {
      std::stop_source source;
      auto brief = []() -> Task<> { co_await sleep_for(1ms); };
      std::thread other([&] {
        for (int spin = 0; spin < i * 20; ++spin) std::this_thread::yield();
        source.request_stop();
      });
      std::string how = co_await ending_of(source.get_token(), brief());
      other.join();
      bool either = how == "cancelled" || how == "ended";
      CHECK(either);
    });
  }
}

TEST_CASE("a read that is cancelled while data arrive takes nothing: they are still there") {
  std::atomic<bool> arrived = false;
  Peer peer([&](net::TcpStream stream) {
    testing::read_request(stream);
    stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    arrived = true;
    char byte = 0;
    while (stream.read({&byte, 1}).value_or(0) != 0) {
    }
  });
  Reactor reactor;
  run_body([&]() -> Task<> {
    Socket socket = co_await Socket::connect(peer.address(), "peer");
    std::array<char, 1024> buffer;
    std::stop_source source;
    auto read = [&]() -> Task<> { (void)co_await socket.read(buffer); };
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), read()));
    auto nothing = []() -> Task<> { co_return; };
    co_await spawn(nothing());  // it waits by now
    // The answer and the stop come together, before it can go on.
    co_await socket.write("GET / HTTP/1.1\r\n\r\n");
    CHECK(testing::eventually([&] { return arrived.load(); }));
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    std::size_t count = co_await socket.read(buffer);
    CHECK(std::string(buffer.data(), count).starts_with("HTTP/1.1 200 OK"));
  });
}

TEST_CASE("a wait for a join handle can be stopped; the task goes on, and its error is not lost") {
  Source source;
  Reactor reactor;
  Executor executor;
  auto fails_later = [&]() -> Task<int> {
    Registration registration = reactor.add(source.fd(), "source");
    co_await UntilReady(registration);
    co_return co_await thrown("late");
  };
  auto body = [&]() -> Task<> {
    JoinHandle<int> handle = spawn(fails_later());
    std::stop_source stop;
    auto waits = [&]() -> Task<> { (void)co_await std::move(handle); };
    JoinHandle<std::string> ending = spawn(ending_of(stop.get_token(), waits()));
    co_await sleep_for(1ms);
    stop.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    source.make_ready();  // not before
  };
  executor.spawn(body());
  CHECK_THROWS_WITH_AS(executor.run(), "late", std::runtime_error);
}

TEST_CASE("cleaning up may wait, with an empty token") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    bool cleaned = false;
    auto clean_up = [&]() -> Task<> {
      co_await sleep_for(2ms);
      cleaned = true;
    };
    auto works = [&]() -> Task<> {
      bool stopped = false;
      try {
        co_await forever();
      } catch (const Cancelled&) {
        stopped = true;  // (there is no co_await in a handler)
      }
      if (stopped) co_await with_token(std::stop_token(), clean_up());
    };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), works()));
    co_await sleep_for(1ms);
    source.request_stop();
    CHECK(co_await std::move(ending) == "ended");
    CHECK(cleaned);
  });
}

TEST_CASE("with_timeout(): in time, too late, an error, stopped from outside; of nothing, too") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    CHECK(co_await with_timeout(10s, value_of(5)) == 5);
    CHECK(co_await with_timeout(10s, later(6, 1ms)) == 6);
    auto how = [](Task<int> task) -> Task<std::string> {
      try {
        (void)co_await std::move(task);
        co_return "ended";
      } catch (const std::system_error& error) {
        co_return error.code() == std::errc::timed_out ? "late" : "another error";
      } catch (const std::runtime_error& error) {
        co_return error.what();
      }
    };
    CHECK(co_await how(with_timeout(2ms, later(7, 24h))) == "late");
    CHECK(co_await how(with_timeout(10s, thrown("wrong"))) == "wrong");
    auto fails_when_stopped = []() -> Task<int> {
      bool stopped = false;
      try {
        co_await forever();
      } catch (const Cancelled&) {
        stopped = true;
      }
      co_return stopped ? co_await thrown("cannot clean up") : 0;
    };
    CHECK(co_await how(with_timeout(1ms, fails_when_stopped())) == "cannot clean up");
    auto nothing = []() -> Task<> { co_return; };
    co_await with_timeout(10s, nothing());
    std::stop_source source;
    JoinHandle<std::string> ending =
        spawn(ending_of(source.get_token(), with_timeout(10s, forever())));
    co_await sleep_for(1ms);
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
  });
}

TEST_CASE("when_any() stops the losers, when_all() those beside an error, and both wait for them") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    std::vector<Task<int>> race;
    race.push_back(later(1, 24h));
    race.push_back(later(2, 1ms));
    auto [winner, value] = co_await when_any(std::move(race));
    CHECK(winner == 1);
    CHECK(Counted::alive == 0);
    std::vector<Task<int>> all;
    all.push_back(later(1, 24h));
    all.push_back(thrown("on purpose"));
    std::string caught;
    try {
      (void)co_await when_all(std::move(all));
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    CHECK(caught == "on purpose");
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE("children never outlive their group; an error of one stops the others, and comes out") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    int ended = 0;
    auto child = [&](Clock::duration time) -> Task<> {
      Counted local;
      co_await sleep_for(time);
      ++ended;
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      for (int i = 1; i <= 5; ++i) group.spawn(child(i * 1ms));
      co_return;
    };
    co_await with_group(body);
    CHECK(ended == 5);
    CHECK(Counted::alive == 0);

    auto failing_body = [&](TaskGroup& group) -> Task<> {
      group.spawn(child(24h));
      group.spawn(failing("child"));
      co_await forever();
    };
    std::string caught;
    try {
      co_await with_group(failing_body);
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    CHECK(caught == "child");
    CHECK(Counted::alive == 0);
    CHECK(ended == 5);
  });
}

TEST_CASE("a child may spawn into its group; request_stop() ends all; a stop from outside, too") {
  Reactor reactor;
  run_body([&]() -> Task<> {
    int begun = 0;
    std::function<Task<>(TaskGroup&, int)> child = [&](TaskGroup& group, int depth) -> Task<> {
      Counted local;
      ++begun;
      if (depth > 0) group.spawn(child(group, depth - 1));
      co_await forever();
    };
    auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(child(group, 10));
      co_await sleep_for(2ms);
      group.request_stop();
    };
    std::string how = co_await ending_of(std::stop_token(), with_group(body));
    CHECK(how == "cancelled");
    CHECK(begun == 11);
    CHECK(Counted::alive == 0);

    auto endless = [&](TaskGroup& group) -> Task<> {
      group.spawn(child(group, 3));
      co_await forever();
    };
    std::stop_source source;
    JoinHandle<std::string> ending = spawn(ending_of(source.get_token(), with_group(endless)));
    co_await sleep_for(1ms);
    source.request_stop();
    CHECK(co_await std::move(ending) == "cancelled");
    CHECK(Counted::alive == 0);
  });
}

TEST_CASE(
    "a hundred requests, a timeout, a stopped group, an error: only the right ones are closed") {
  Delayserver server;
  Peer rude([](net::TcpStream stream) { testing::read_request(stream); });
  Reactor reactor;
  std::size_t descriptors = testing::open_descriptors();
  int fine = 0, late = 0, stopped = 0, errors = 0;
  run_body([&]() -> Task<> {
    auto answered = [&](int i) -> Task<> {
      CHECK(co_await get(server.address(), "fine-" + std::to_string(i), 150ms) ==
            "fine-" + std::to_string(i));
      ++fine;
    };
    auto too_late = [&]() -> Task<> {
      try {
        (void)co_await with_timeout(50ms, get(server.address(), "late", 60'000ms));
      } catch (const std::system_error&) {
        ++late;
      }
    };
    auto without_end = [&]() -> Task<> {
      try {
        (void)co_await get(server.address(), "stopped", 60'000ms);
      } catch (const Cancelled&) {
        ++stopped;
        throw;
      }
    };
    auto broken = [&]() -> Task<> {
      try {
        (void)co_await get(rude.address(), "broken", 0ms);
      } catch (const http::ParseError&) {
        ++errors;
      }
    };
    auto stopped_group = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 10; ++i) group.spawn(without_end());
      co_await sleep_for(70ms);
      group.request_stop();
    };
    JoinHandle<std::string> group = spawn(ending_of(std::stop_token(), with_group(stopped_group)));
    std::vector<Task<>> all;
    for (int i = 0; i < 88; ++i) all.push_back(answered(i));
    all.push_back(too_late());
    all.push_back(broken());
    co_await when_all(std::move(all));
    CHECK(co_await std::move(group) == "cancelled");
  });
  CHECK(fine == 88);
  CHECK(late == 1);
  CHECK(stopped == 10);
  CHECK(errors == 1);
  CHECK(server.stats().served == 88);
  CHECK(testing::eventually([&] { return server.stats().errors == 11; }));
  CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
}

TEST_CASE(
    "the program asks for more until its time is over, and what is in flight then is closed") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  bool result = counted.result.out.find(" bytes: request-0") != std::string::npos;
  CHECK(result);
  CHECK(testing::eventually([&] { return server.stats().in_flight == 0; }));
  CHECK(server.stats().errors >= 1);
}
