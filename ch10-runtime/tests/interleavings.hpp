#pragma once
// Runs a few threads in every order of what they do to atomic words. What is compiled between
//   #define atomic watched_atomic
//   #undef atomic
// has words that stop before each operation while explore() decides who goes on, and are ordinary
// ones otherwise. Each word also remembers what the C++ memory model lets its readers know.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/program.hpp"

namespace interleavings {

using testing::sleeps;

// What somebody knows: a bit for each thing that was written.
using Known = unsigned;

// One run of the threads, in one order. A case sees of it: who is there, what went wrong, and what
// was done.
class Run {
 public:
  enum class Place {
    running,  // or asleep by other means than a word's wait()
    before,   // an operation, and may go on when it is its turn
    waiting,  // in a word's wait()
    finished,
  };
  struct Thread {
    Run* run;
    std::string name;
    Place place = Place::before;
    bool may_begin = true;
    bool has_begun = false;
    bool may_go_on = false;
    const void* word = nullptr;  // on which it waits
    Known known = 0;
    pid_t id = 0;
    std::condition_variable turn;
  };
  struct Stuck {};  // leaves the threads of a run that cannot come to its end

  static inline thread_local Thread* current = nullptr;

  // Everything below is called by the threads of the run, one at a time.
  static void before(const char* operation) {
    if (current != nullptr) current->run->stop(*current, operation);
  }
  static void know_what_is_in(const void* word) {
    std::lock_guard lock(current->run->mutex_);
    current->known |= current->run->in_[word];
  }
  static void publish(const void* word, bool instead) {
    std::lock_guard lock(current->run->mutex_);
    Known& in = current->run->in_[word];
    in = (instead ? 0 : in) | current->known;
  }
  static void publish_nothing(const void* word) {
    std::lock_guard lock(current->run->mutex_);
    current->run->in_[word] = 0;
  }
  static void wait(const void* word) {
    std::unique_lock lock(current->run->mutex_);
    current->run->wait_for_turn(lock, *current, Place::waiting, word);
  }
  static void notify(const void* word, bool all) {
    std::lock_guard lock(current->run->mutex_);
    for (auto& one : current->run->threads_)
      if (one->place == Place::waiting && one->word == word) {
        one->place = Place::before;
        if (!all) return;
      }
  }

  void fail(const std::string& what) {
    std::lock_guard lock(mutex_);
    fail_locked(what);
  }
  [[nodiscard]] bool has_failed() const { return !failure_.empty(); }
  [[nodiscard]] bool has_steps() const { return steps_ > 0; }

 private:
  friend class Explorer;

  void fail_locked(const std::string& what) {
    if (failure_.empty()) failure_ = what + "\nafter" + log_;
  }
  void stop(Thread& thread, const char* operation) {
    std::unique_lock lock(mutex_);
    wait_for_turn(lock, thread, Place::before, nullptr);
    log_ += "\n  " + thread.name + ": " + operation;
    ++steps_;
  }
  void wait_for_turn(std::unique_lock<std::mutex>& lock, Thread& thread, Place place,
                     const void* word) {
    thread.place = place;
    thread.word = word;
    somebody_stopped_.notify_one();
    thread.turn.wait(lock, [&] { return thread.may_go_on || stuck_; });
    thread.may_go_on = false;
    thread.place = Place::running;
    if (stuck_) throw Stuck();
  }

  std::mutex mutex_;
  std::condition_variable somebody_stopped_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::map<const void*, Known> in_;  // what the last ones have published in a word
  bool stuck_ = false;
  int steps_ = 0;
  std::string log_, failure_;
};

}  // namespace interleavings

// The macro `atomic` makes std::watched_atomic of std::atomic, so it has to be found there.
namespace std {

template <class T>
class watched_atomic : public atomic<T> {
  using Base = atomic<T>;
  using Run = interleavings::Run;

 public:
  constexpr watched_atomic() noexcept = default;
  constexpr watched_atomic(T value) noexcept : Base(value) {}
  watched_atomic(const watched_atomic&) = delete;
  watched_atomic& operator=(const watched_atomic&) = delete;

  T load(memory_order order = memory_order_seq_cst) const {
    Run::before("load");
    read(order);
    return Base::load(order);
  }
  operator T() const { return load(); }
  void store(T value, memory_order order = memory_order_seq_cst) {
    Run::before("store");
    if (Run::current != nullptr) {
      if (releases(order)) {
        Run::publish(this, true);
      } else {
        Run::publish_nothing(this);
      }
    }
    Base::store(value, order);
  }
  T operator=(T value) {
    store(value);
    return value;
  }
  T exchange(T value, memory_order order = memory_order_seq_cst) {
    Run::before("exchange");
    change(order);
    return Base::exchange(value, order);
  }
  bool compare_exchange_strong(T& expected, T desired, memory_order success, memory_order failure) {
    Run::before("compare_exchange");
    bool done = Base::compare_exchange_strong(expected, desired, success, failure);
    if (done) {
      change(success);
    } else {
      read(failure);
    }
    return done;
  }
  bool compare_exchange_strong(T& expected, T desired, memory_order order = memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired, order, when_it_fails(order));
  }
  bool compare_exchange_weak(T& expected, T desired, memory_order success, memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired, memory_order order = memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired, order);
  }
  T fetch_add(T value, memory_order order = memory_order_seq_cst) {
    Run::before("fetch_add");
    change(order);
    return Base::fetch_add(value, order);
  }
  T fetch_sub(T value, memory_order order = memory_order_seq_cst) {
    Run::before("fetch_sub");
    change(order);
    return Base::fetch_sub(value, order);
  }
  T fetch_or(T value, memory_order order = memory_order_seq_cst) {
    Run::before("fetch_or");
    change(order);
    return Base::fetch_or(value, order);
  }
  T fetch_and(T value, memory_order order = memory_order_seq_cst) {
    Run::before("fetch_and");
    change(order);
    return Base::fetch_and(value, order);
  }
  T operator++() { return static_cast<T>(fetch_add(1) + 1); }
  T operator++(int) { return fetch_add(1); }
  T operator--() { return static_cast<T>(fetch_sub(1) - 1); }
  T operator--(int) { return fetch_sub(1); }
  T operator+=(T value) { return static_cast<T>(fetch_add(value) + value); }
  T operator-=(T value) { return static_cast<T>(fetch_sub(value) - value); }

  void wait(T old, memory_order order = memory_order_seq_cst) const {
    if (Run::current == nullptr) return Base::wait(old, order);
    Run::before("wait");
    while (true) {
      read(order);
      T now = Base::load(order);
      if (std::memcmp(&now, &old, sizeof now) != 0) return;
      Run::wait(this);
    }
  }
  void notify_one() {
    if (Run::current == nullptr) return Base::notify_one();
    Run::before("notify_one");
    Run::notify(this, false);
  }
  void notify_all() {
    if (Run::current == nullptr) return Base::notify_all();
    Run::before("notify_all");
    Run::notify(this, true);
  }

 private:
  static bool acquires(memory_order order) {
    return order != memory_order_relaxed && order != memory_order_release;
  }
  static bool releases(memory_order order) {
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
  }
  static memory_order when_it_fails(memory_order order) {
    if (order == memory_order_acq_rel) return memory_order_acquire;
    return order == memory_order_release ? memory_order_relaxed : order;
  }
  void read(memory_order order) const {
    if (Run::current != nullptr && acquires(order)) Run::know_what_is_in(this);
  }
  // Reads, and writes without hiding from later readers what was there.
  void change(memory_order order) {
    read(order);
    if (Run::current != nullptr && releases(order)) Run::publish(this, false);
  }
};

}  // namespace std

namespace interleavings {

// Tries one order of a case's threads after the other.
class Explorer {
 public:
  // Adds the threads of a run; `later` ones begin when nobody else can go on.
  class Threads {
   public:
    explicit Threads(Run& run) : run_(run) {}
    void add(std::string name, std::function<void()> body, bool later = false) {
      auto thread = std::make_unique<Run::Thread>();
      thread->run = &run_;
      thread->name = std::move(name);
      thread->may_begin = !later;
      run_.threads_.push_back(std::move(thread));
      bodies_.push_back(std::move(body));
    }

   private:
    friend Explorer;
    Run& run_;
    std::vector<std::function<void()>> bodies_;
  };

  // `prepare` adds threads to a run, and keeps for them what they share. `quiet` looks at it when
  // nobody can go on any more, before the later threads begin.
  // Returns what went wrong in the first run in which something did, or nothing. Where all orders
  // are too many, those in which a thread that could go on is left for another one at most
  // `switches` times: what goes wrong at all nearly always does so with two.
  template <class Prepare>
  static std::string explore(Prepare prepare, int* runs = nullptr, int switches = most_steps,
                             int at_most = most_runs) {
    Explorer explorer;
    explorer.switches_ = switches;
    int count = 0;
    do {
      Run run;
      Threads threads(run);
      std::function<void()> quiet = prepare(run, threads);
      explorer.carry_out(run, threads, quiet);
      ++count;
      if (run.has_failed()) return run.failure_;
    } while (explorer.next_order() && count < at_most);
    if (runs != nullptr) *runs = count;
    return "";
  }

  static constexpr int most_runs = 3000;  // more than our cases need for any sensible code
  static constexpr int most_steps = 300;  // only who asks again and again gets there

 private:
  struct Choice {
    std::size_t taken, of;
  };

  std::size_t choose(std::size_t of) {
    if (of == 1) return 0;
    if (position_ == order_.size()) order_.push_back({0, of});
    Choice choice = order_[position_++];
    return std::min(choice.taken, of - 1);
  }
  bool next_order() {
    position_ = 0;
    while (!order_.empty() && order_.back().taken + 1 == order_.back().of) order_.pop_back();
    if (order_.empty()) return false;
    ++order_.back().taken;
    return true;
  }

  void carry_out(Run& run, Threads& threads, const std::function<void()>& quiet) {
    std::vector<std::jthread> joined;
    for (std::size_t i = 0; i < run.threads_.size(); ++i)
      joined.emplace_back([&run, &thread = *run.threads_[i], &body = threads.bodies_[i]] {
        Run::current = &thread;
        try {
          {
            std::unique_lock lock(run.mutex_);
            thread.id = ::gettid();
            thread.turn.wait(lock, [&] { return thread.may_go_on || run.stuck_; });
            thread.may_go_on = false;
            if (run.stuck_) throw Run::Stuck();
          }
          body();
        } catch (const Run::Stuck&) {
        } catch (const std::exception& error) {
          run.fail(error.what());
        }
        Run::current = nullptr;
        std::lock_guard lock(run.mutex_);
        thread.place = Run::Place::finished;
        run.somebody_stopped_.notify_one();
      });

    std::unique_lock lock(run.mutex_);
    Run::Thread* last = nullptr;
    for (int left = switches_;;) {
      settle(run, lock);
      if (std::all_of(run.threads_.begin(), run.threads_.end(),
                      [](const auto& one) { return one->place == Run::Place::finished; }))
        return;
      std::vector<Run::Thread*> able;
      for (auto& one : run.threads_)
        if (one->place == Run::Place::before && one->may_begin) able.push_back(one.get());
      if (run.steps_ > most_steps) run.fail_locked("somebody asks again and again");
      if (run.failure_.empty() && able.empty()) {
        lock.unlock();
        quiet();
        lock.lock();
        for (auto& one : run.threads_) {
          if (!one->may_begin) able.push_back(one.get());
          one->may_begin = true;
        }
        if (able.empty()) run.fail_locked("somebody is left asleep");
      }
      if (!run.failure_.empty()) break;
      // What comes before a thread's first operation is nobody else's business: no order of its
      // own.
      auto new_one =
          std::find_if(able.begin(), able.end(), [](auto* one) { return !one->has_begun; });
      Run::Thread* next = nullptr;
      if (new_one != able.end()) {
        next = *new_one;
      } else {
        bool may_stay = std::find(able.begin(), able.end(), last) != able.end();
        next = may_stay && left == 0 ? last : able[choose(able.size())];
        if (may_stay && next != last) --left;
        last = next;
      }
      next->has_begun = true;
      next->may_go_on = true;
      next->place = Run::Place::running;
      next->turn.notify_one();
    }
    run.stuck_ = true;
    for (auto& one : run.threads_) one->turn.notify_one();
  }

  // Until nobody runs. Who sleeps by other means than a word's wait() does not run either.
  static void settle(Run& run, std::unique_lock<std::mutex>& lock) {
    auto runs = [](const auto& one) { return one->place == Run::Place::running; };
    for (int asleep = 0; asleep < 3;) {
      if (run.somebody_stopped_.wait_for(lock, std::chrono::microseconds(100), [&] {
            return std::none_of(run.threads_.begin(), run.threads_.end(), runs);
          }))
        return;
      bool all = std::all_of(run.threads_.begin(), run.threads_.end(),
                             [&](const auto& one) { return !runs(one) || sleeps(one->id); });
      asleep = all ? asleep + 1 : 0;
    }
  }

  std::vector<Choice> order_;
  std::size_t position_ = 0;
  int switches_ = most_steps;
};

}  // namespace interleavings
