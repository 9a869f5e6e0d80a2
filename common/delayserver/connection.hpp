#pragma once
// One connection of the delayserver: a state machine that is told when its socket is ready, or that
// its time has come, takes one step, and says what it waits for next. It never blocks, and knows
// nothing of epoll: server.cpp does the waiting.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "delayserver/answer.hpp"
#include "delayserver/server.hpp"
#include "http/request_parser.hpp"
#include "net/tcp_stream.hpp"

namespace delay {

// What the connections of a server share.
struct Books {
  static constexpr Clock::time_point never = Clock::time_point::max();
  explicit Books(Options wanted) : options(std::move(wanted)) {}

  Options options;
  Stats stats;
  std::uint64_t requests = 0;  // delayed ones, so far
  // Once the server stops: when a request must have arrived at the latest to be answered.
  Clock::time_point last_call = never;
  std::array<char, 16 * 1024> buffer;  // for one read() at a time

  [[nodiscard]] bool stopping() const { return last_call != never; }
};

class Connection {
 public:
  // `socket` must not block.
  Connection(net::TcpStream socket, Books& books, Clock::time_point now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // What has happened, each answered by one bounded step. A repeated or a mistaken call does no
  // harm.
  void on_readable(Clock::time_point now);
  void on_writable(Clock::time_point now);
  void on_broken();                         // the peer is gone
  void on_deadline(Clock::time_point now);  // deadline() has passed
  void on_stop(Clock::time_point now);      // books.last_call is set

  // What it waits for.
  [[nodiscard]] bool wants_to_read() const;
  [[nodiscard]] bool wants_to_write() const { return !out_.empty(); }
  [[nodiscard]] Clock::time_point deadline() const;
  [[nodiscard]] int fd() const { return socket_.fd().get(); }
  [[nodiscard]] bool closed() const { return phase_ == Phase::closed; }  // for nothing any more

 private:
  enum class Phase {
    open,       // requests come in and are answered
    last,       // no more requests; what stands in the queue is answered, then it lingers
    stalled,    // ?fault=stall: nothing is answered any more
    lingering,  // we have said all, and closed our side
    closed,
  };
  // A request that waits for its answer, or whose answer is being sent.
  struct Pending {
    Answer answer;
    std::uint64_t number = 0;
    Clock::time_point received;
    Clock::time_point due;  // when the (next piece of the) answer is to be sent
    std::size_t sent = 0;   // of the body
  };

  void take_requests(std::string_view bytes, Clock::time_point now);
  void enqueue(Answer answer);
  void refuse(int status, const std::string& why);
  void send_piece(Clock::time_point now);
  void flush(Clock::time_point now);
  void finish_answer(Clock::time_point now);
  void settle(Clock::time_point now);
  void linger(Clock::time_point now);
  void lose();
  void lose_queue();
  void check_off(Pending& pending, bool lost);
  [[nodiscard]] bool answering() const;
  [[nodiscard]] Exchange exchange(const Pending& pending) const;

  net::TcpStream socket_;
  Books& books_;
  Phase phase_ = Phase::open;
  bool used_ = false;  // a request has come, so the next one is a favour, not a promise
  http::RequestParser parser_;
  std::string input_;  // read, but for want of room in the queue not yet looked at
  // In the order of arrival, and answered in that order. A list: a node is all that a waiting
  // request costs.
  std::list<Pending> queue_;
  std::string out_;       // the piece of the first answer that is being sent; empty between pieces
  std::size_t sent_ = 0;  // how much of it is sent
  Clock::time_point request_deadline_ = Books::never;  // of the request that is coming in
  Clock::time_point patience_;  // when we give up on a peer that does nothing
};

}  // namespace delay
