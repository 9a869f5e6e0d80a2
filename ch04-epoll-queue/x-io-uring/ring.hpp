#pragma once
// A completion queue on io_uring: takes operations, and hands back their results.
//
// Two rings of entries lie in memory that the kernel and we share. Into the submission ring we
// write operations, and the kernel takes them out; into the completion ring the kernel writes
// results, and we take them out. In either ring one side alone moves the tail, where entries are
// put in, and the other alone the head, where they are taken out. Both only count up, and an index
// is masked to find its entry. (A real program leaves all this to liburing.)

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

// What an operation is called by: the caller's number for it, handed back with its result. All
// numbers but the greatest, which the ring needs itself.
using Token = std::size_t;

struct Completion {
  Token token;
  int result;  // what the system call would have returned, or -errno
};

// Memory that the kernel shares with us.
class Mapping {
 public:
  Mapping(const net::Fd& ring, std::size_t size, off_t which)
      : size_(size),
        start_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.get(), which)) {
    if (start_ == MAP_FAILED) throw net::last_error("mmap");
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(start_, size_); }

  template <class T>
  [[nodiscard]] T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(start_) + offset);
  }

 private:
  std::size_t size_;
  void* start_;
};

// One thread at a time. Must end before the buffers that it was given.
class Ring {
 public:
  // Room for this many submissions (or a few more) between two calls of wait(), and for twice as
  // many completions; neither is a limit.
  explicit Ring(unsigned entries)
      : ring_(setup(entries, params_)),
        rings_(ring_,
               std::max(params_.sq_off.array + params_.sq_entries * sizeof(unsigned),
                        params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe)),
               IORING_OFF_SQ_RING),
        submissions_(ring_, params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES) {
    // The submission ring holds no operations, but the indices of them. Ours stay in order.
    for (unsigned i = 0; i < params_.sq_entries; ++i)
      rings_.at<unsigned>(params_.sq_off.array)[i] = i;
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // To close the ring is not enough: the kernel takes the operations back then, too, but some time
  // after close() has returned, and until then it may write into buffers that are somebody else's
  // by now. So it is asked to stop each of them, and lets go of a buffer when it says so. (An error
  // here ends the program; nothing else would be safe.)
  ~Ring() {
    for (Token token : std::vector<Token>(in_flight_)) {
      io_uring_sqe cancel{};
      cancel.opcode = IORING_OP_ASYNC_CANCEL;
      cancel.fd = -1;
      cancel.addr = token;
      cancel.user_data = cancel_token;
      push(cancel);
    }
    while (!in_flight_.empty()) {
      enter(1);
      reap();
    }
  }

  // Receives what arrives next at `source`, and puts it into `buffer`: at most what fits, and 0
  // bytes at the end of the stream. The buffer is the kernel's from now on, until wait() returns
  // the completion: it must stay where it is, and nobody else may touch it.
  void recv(const net::Fd& source, std::span<char> buffer, Token token) {
    io_uring_sqe operation{};
    operation.opcode = IORING_OP_RECV;
    operation.fd = source.get();
    operation.addr = reinterpret_cast<std::uintptr_t>(buffer.data());
    operation.len = static_cast<unsigned>(buffer.size());
    operation.user_data = token;
    push(operation);
  }

  // Submits what was asked for, blocks until at least one operation has completed, and returns all
  // that have: each of them exactly once. One must be in flight, or nothing will ever complete.
  std::vector<Completion> wait() {
    narrate::Span span("wait", "in io_uring_enter()");
    reap();
    while (unsubmitted() > 0 || completed_.empty()) {
      enter(completed_.empty() ? 1 : 0);
      reap();
    }
    return std::exchange(completed_, {});
  }

  [[nodiscard]] std::size_t calls() const { return calls_; }

 private:
  static constexpr Token cancel_token = ~Token{0};

  static net::Fd setup(unsigned entries, io_uring_params& params) {
    long ring = ::syscall(SYS_io_uring_setup, entries, &params);
    if (ring == -1 && (errno == ENOSYS || errno == EPERM || errno == ENOMEM)) {
      const char* advice = errno == ENOMEM
                               ? "raise the limit of locked memory, ulimit -l"
                               : "containers often forbid it; see docs/running.md for what to do";
      throw net::last_error(
          ("no io_uring on this machine (" + std::string(advice) + "): io_uring_setup").c_str());
    }
    net::Fd owner = net::Fd::checked(static_cast<int>(ring), "io_uring_setup");
    if ((params.features & IORING_FEAT_FAST_POLL) == 0)
      throw std::runtime_error(
          "the io_uring of this kernel is too old: Linux 5.7 has what we need");
    return owner;
  }

  // What the kernel has not taken out of the submission ring yet. Acquire: the kernel moves the
  // head when it has read an entry, and only then may we write a new one in its place.
  [[nodiscard]] unsigned unsubmitted() const {
    unsigned head =
        std::atomic_ref(*rings_.at<unsigned>(params_.sq_off.head)).load(std::memory_order_acquire);
    return *rings_.at<unsigned>(params_.sq_off.tail) - head;  // the tail is ours alone
  }

  void push(const io_uring_sqe& operation) {
    while (unsubmitted() == params_.sq_entries) enter(0);  // full: it has to take some first
    if (operation.user_data != cancel_token) in_flight_.push_back(operation.user_data);
    unsigned* tail = rings_.at<unsigned>(params_.sq_off.tail);
    submissions_.at<io_uring_sqe>(0)[*tail & (params_.sq_entries - 1)] = operation;
    // Release: who sees the new tail sees the entry before it.
    std::atomic_ref(*tail).store(*tail + 1, std::memory_order_release);
  }

  // Takes out what has completed; returns whether there was anything.
  bool reap() {
    unsigned* head = rings_.at<unsigned>(params_.cq_off.head);  // is ours alone
    // Acquire: with the tail, we see the entries that the kernel has put in before it.
    unsigned tail =
        std::atomic_ref(*rings_.at<unsigned>(params_.cq_off.tail)).load(std::memory_order_acquire);
    if (*head == tail) return false;
    for (unsigned i = *head; i != tail; ++i) {
      const io_uring_cqe& entry =
          rings_.at<io_uring_cqe>(params_.cq_off.cqes)[i & (params_.cq_entries - 1)];
      if (entry.user_data == cancel_token) continue;
      completed_.push_back({entry.user_data, entry.res});
      in_flight_.erase(std::find(in_flight_.begin(), in_flight_.end(), entry.user_data));
    }
    // Release: the kernel may fill these entries anew only after we have read them.
    std::atomic_ref(*head).store(tail, std::memory_order_release);
    return true;
  }

  // One system call for both directions: hands over what is unsubmitted, and waits until `wanted`
  // completions are there. Returns early after a signal, so its callers look again.
  void enter(unsigned wanted) {
    ++calls_;
    // GETEVENTS also brings what found the completion ring full and waits in the kernel.
    if (::syscall(SYS_io_uring_enter, ring_.get(), unsubmitted(), wanted, IORING_ENTER_GETEVENTS,
                  nullptr, 0UL) != -1 ||
        errno == EINTR)
      return;
    std::system_error error = net::last_error("io_uring_enter");
    // It takes nothing more while it is short of room (EBUSY) or memory (EAGAIN) for completions.
    bool is_short = error.code().value() == EBUSY || error.code().value() == EAGAIN;
    if (!is_short || !reap()) throw error;
  }

  io_uring_params params_{};
  net::Fd ring_;
  Mapping rings_;
  Mapping submissions_;
  std::vector<Token> in_flight_;
  std::vector<Completion> completed_;
  std::size_t calls_ = 0;
};
