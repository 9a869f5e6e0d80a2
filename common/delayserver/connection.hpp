#pragma once
// One connection of the delayserver: a state machine that is told when its socket is ready, or that
// its time has come, takes one step, and says what it waits for next. It never blocks, and knows
// nothing of epoll: server.cpp does the waiting.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "delayserver/answer.hpp"
#include "delayserver/books.hpp"
#include "delayserver/server.hpp"
#include "http/request_parser.hpp"
#include "net/tcp_stream.hpp"

namespace delay {

class Connection {
 public:
  // `socket` must not block.
  Connection(net::TcpStream socket, Books& books, Clock::time_point now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // What has happened, each answered by one bounded step. A repeated or a mistaken call does no
  // harm. After a step that has thrown (there was no memory), only on_broken() makes sense.
  void on_readable(Clock::time_point now);
  void on_writable(Clock::time_point now);
  void on_broken() noexcept;                // the peer is gone
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

  void read_some(Clock::time_point now);
  void catch_up(Clock::time_point now);
  void take_requests(std::string_view bytes, Clock::time_point now);
  void enqueue(Answer answer);
  void refuse(int status, const std::string& why);
  void send_piece(Clock::time_point now);
  void flush(Clock::time_point now);
  void finish_answer(Clock::time_point now);
  void settle(Clock::time_point now);
  void linger(Clock::time_point now);
  void lose() noexcept;
  void lose_queue() noexcept;
  void check_off(Pending& pending, bool lost);
  [[nodiscard]] bool answering() const;
  [[nodiscard]] bool request_is_late(Clock::time_point now) const;
  [[nodiscard]] bool more_has_arrived() const;

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
  std::size_t arrived_ = 0;  // bytes that had arrived before the clock was looked at: not late
  Clock::time_point request_deadline_ = Books::never;  // of the request that is coming in
  Clock::time_point patience_;  // when we give up on a peer that does nothing
};

}  // namespace delay
