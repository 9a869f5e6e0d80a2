#pragma once
// The reactor: waits for events and for deadlines on a thread of its own, and hands the coroutines
// that wait for them to their executors.

#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <coroutine>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"
#include "ready_queue.hpp"

class Reactor;

using Clock = std::chrono::steady_clock;
inline constexpr Clock::time_point never = Clock::time_point::max();

// Keeps a source registered for as long as it lives, which is within the life of the source and of
// the reactor. Moves with its owner.
class [[nodiscard]] Registration {
 public:
  Registration() = default;  // of nothing
  Registration(Registration&& other) noexcept
      : reactor_(std::exchange(other.reactor_, nullptr)),
        source_(other.source_),
        token_(other.token_) {}
  Registration& operator=(Registration other) noexcept {
    std::swap(reactor_, other.reactor_);
    std::swap(source_, other.source_);
    std::swap(token_, other.token_);
    return *this;
  }
  inline ~Registration();

  // True: the coroutine is pushed into that queue, once, as soon as something happens to the
  // source, or when the deadline has passed. False: something has happened since the last time that
  // this was asked, so look again at once. One waits at a time.
  [[nodiscard]] inline bool wait(std::coroutine_handle<> handle, ReadyQueue& queue,
                                 Clock::time_point deadline);
  // Was it the deadline that ended the last wait?
  [[nodiscard]] inline bool timed_out() const;

 private:
  friend Reactor;
  Registration(Reactor& reactor, int source, Token token)
      : reactor_(&reactor), source_(source), token_(token) {}

  Reactor* reactor_ = nullptr;
  int source_ = -1;
  Token token_ = 0;
};

// A process has one at a time, which leaf futures find by themselves. Its thread begins and ends
// with it. Every other function may be called on any thread.
class Reactor {
 public:
  Reactor() {
    if (Reactor* none = nullptr; !current_.compare_exchange_strong(none, this))
      throw std::logic_error("there is a reactor already");
    try {
      poll_.add(interrupt_, interrupt_token);
      thread_ = std::jthread([this] { run(); });
    } catch (...) {
      current_ = nullptr;
      throw;
    }
  }
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor() {
    stopping_ = true;
    interrupt();
    thread_.join();
    current_ = nullptr;
  }

  // Throws std::logic_error if there is none.
  static Reactor& current() {
    Reactor* reactor = current_;
    if (reactor == nullptr) throw std::logic_error("there is no reactor");
    return *reactor;
  }

  // For whoever waits for nothing but a deadline.
  Registration add_timer() {
    Token token = next_token_++;
    std::lock_guard lock(mutex_);
    sources_.try_emplace(token);
    return {*this, no_source, token};
  }

  // From now on the source is watched.
  Registration add(const net::Fd& source, std::string_view name) {
    Token token = next_token_++;
    narrate::say("register", name, "as token-", token);
    {
      std::lock_guard lock(mutex_);
      sources_.try_emplace(token);
    }
    poll_.add(source, token);
    return {*this, source.get(), token};
  }

 private:
  friend Registration;
  static constexpr Token interrupt_token = 0;
  static constexpr int no_source = -1;

  // What has happened to a source: nothing; or something that nobody has asked for yet; or nothing,
  // and somebody waits for it, perhaps until a deadline.
  struct Source {
    bool ready = false;
    bool timed_out = false;
    std::coroutine_handle<> waiting = nullptr;
    ReadyQueue* queue = nullptr;  // of whoever waits
    Clock::time_point deadline = never;
    unsigned long number = 0;  // of its wait: of equal deadlines the first one comes first
  };

  // Its thread looks at everything anew. (Edge-triggered: each write is an event, and nobody has to
  // read what was written.)
  void interrupt() { ::eventfd_write(interrupt_.get(), 1); }

  bool wait(Token token, std::coroutine_handle<> handle, ReadyQueue& queue,
            Clock::time_point deadline) {
    std::lock_guard lock(mutex_);
    Source& source = sources_.at(token);
    source.timed_out = false;
    if (std::exchange(source.ready, false)) return false;
    narrate::say("store", "token-" + std::to_string(token), "who waits for it");
    source.waiting = handle;
    source.queue = &queue;
    source.deadline = deadline;
    source.number = ++waits_;
    if (deadline < first_deadline_) {
      first_deadline_ = deadline;
      interrupt();
    }
    return true;
  }
  bool timed_out(Token token) {
    std::lock_guard lock(mutex_);
    return sources_.at(token).timed_out;
  }
  void remove(int descriptor, Token token) {
    if (descriptor != no_source) poll_.remove(descriptor);
    std::lock_guard lock(mutex_);
    sources_.erase(token);
  }

  void run() {
    narrate::name_thread("reactor");
    while (!stopping_) {
      for (Token token : poll_.wait(until_the_first_deadline()))
        if (token != interrupt_token) wake(token);
      wake_the_late();
    }
  }

  // Rounded up: rounded down it would wake too early, and again and again until the time has come.
  std::chrono::milliseconds until_the_first_deadline() {
    std::lock_guard lock(mutex_);
    if (first_deadline_ == never) return std::chrono::milliseconds(-1);
    auto left = std::chrono::ceil<std::chrono::milliseconds>(first_deadline_ - Clock::now());
    return std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(INT_MAX));
  }

  // No token is used twice: an event that comes too late finds nobody. The lock is held until the
  // handle has been pushed. Whoever destroys the coroutine ends its registration first, and so
  // waits for us.
  void wake(Token token) {
    std::lock_guard lock(mutex_);
    auto found = sources_.find(token);
    if (found == sources_.end()) return;
    Source& source = found->second;
    if (source.waiting == nullptr) {
      narrate::say("ready", "token-" + std::to_string(token), "nobody waits for it yet");
      source.ready = true;
    } else {
      narrate::say("ready", "token-" + std::to_string(token), "who waits for it is next");
      push(source);
    }
  }
  // Looks at all sources, but only when it seems to be time.
  void wake_the_late() {
    std::lock_guard lock(mutex_);
    Clock::time_point now = Clock::now();
    if (now < first_deadline_) return;
    first_deadline_ = never;
    std::vector<Source*> late;
    for (auto& [token, source] : sources_) {
      if (source.waiting == nullptr) continue;
      if (source.deadline <= now)
        late.push_back(&source);
      else
        first_deadline_ = std::min(first_deadline_, source.deadline);
    }
    std::sort(late.begin(), late.end(), [](const Source* a, const Source* b) {
      return std::pair(a->deadline, a->number) < std::pair(b->deadline, b->number);
    });
    for (Source* source : late) {
      source->timed_out = true;
      push(*source);
    }
  }
  void push(Source& source) { source.queue->push(std::exchange(source.waiting, nullptr)); }

  static inline std::atomic<Reactor*> current_ = nullptr;
  Poll poll_;
  net::Fd interrupt_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::atomic<bool> stopping_ = false;
  std::atomic<Token> next_token_ = interrupt_token + 1;
  std::mutex mutex_;
  std::map<Token, Source> sources_;
  Clock::time_point first_deadline_ = never;  // nobody has an earlier one
  unsigned long waits_ = 0;
  std::jthread thread_;
};

inline Registration::~Registration() {
  if (reactor_ != nullptr) reactor_->remove(source_, token_);
}
inline bool Registration::wait(std::coroutine_handle<> handle, ReadyQueue& queue,
                               Clock::time_point deadline) {
  return reactor_->wait(token_, handle, queue, deadline);
}
inline bool Registration::timed_out() const { return reactor_->timed_out(token_); }
