#include "delayserver/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>
#include <span>
#include <system_error>
#include <utility>

namespace delay {
namespace {

using std::chrono::milliseconds;

// How many requests of one connection may wait. While it is full we do not read: TCP then stops the
// peer, and nobody can make us remember more.
constexpr std::size_t queue_limit = 64;

// How long we wait for a peer to close after our last answer.
constexpr milliseconds linger_time{1000};

constexpr http::Limits limits{.first_line = 16 * 1024,  // a message, every byte of it encoded
                              .header_bytes = 16 * 1024,
                              .header_count = 100,
                              .body_bytes = 1024 * 1024};  // is dropped as it comes

}  // namespace

Connection::Connection(net::TcpStream socket, Books& books, Clock::time_point now)
    : socket_(std::move(socket)),
      books_(books),
      parser_(limits),
      patience_(now + books.options.idle_timeout) {
  ++books_.stats.connections;
}

Connection::~Connection() {
  lose_queue();
  --books_.stats.connections;
}

// ---- What it waits for

// Where no request is expected, we read on and throw it away: to see when the peer leaves, and
// because of what linger() says.
bool Connection::wants_to_read() const {
  return phase_ != Phase::open || queue_.size() < queue_limit;
}

// There is an answer to be sent, now or later.
bool Connection::answering() const {
  return (phase_ == Phase::open || phase_ == Phase::last) && !queue_.empty();
}

// A request in the making has its own limit, unless it is we who do not read on.
bool Connection::request_is_late(Clock::time_point now) const {
  return phase_ == Phase::open && wants_to_read() && request_deadline_ <= now;
}

Clock::time_point Connection::deadline() const {
  if (phase_ == Phase::stalled) return Books::never;
  bool incoming = phase_ == Phase::open && wants_to_read() && request_deadline_ != Books::never;
  Clock::time_point first = incoming ? request_deadline_ : Books::never;
  if (answering() && !wants_to_write()) return std::min(first, queue_.front().due);
  // Otherwise it is the peer's turn: to read, to leave, or to ask.
  return incoming && !answering() ? first : std::min(first, patience_);
}

void Connection::on_deadline(Clock::time_point now) {
  if (now < deadline()) return;
  // Perhaps it is we who are late, because the machine is busy, or the program was stopped for a
  // while. So before anything is given up, we look what the peer has done meanwhile.
  if (wants_to_write()) flush(now);
  if (request_is_late(now) || !answering()) catch_up(now);
  if (closed() || now < deadline()) return settle(now);
  if (request_is_late(now))
    refuse(408, "the request took too long to arrive");
  else if (answering() && !wants_to_write())
    send_piece(now);
  else if (phase_ == Phase::open && queue_.empty() && used_)
    phase_ = Phase::last;  // nothing comes any more
  else
    lose();  // nothing ever came, or it does not read, or does not leave
  settle(now);
}

// ---- Requests come in

// One read, whatever is there: the others want their turn. What is left is reported again.
void Connection::on_readable(Clock::time_point now) {
  if (wants_to_read()) read_some(now);
  settle(now);
}

// All that is there, but no more than that: a peer who sends as fast as we read cannot hold us up.
void Connection::catch_up(Clock::time_point now) {
  int bytes = 0;
  if (::ioctl(fd(), FIONREAD, &bytes) == -1) return lose();
  arrived_ = static_cast<std::size_t>(bytes);
  while (arrived_ > 0 && wants_to_read() && !closed()) read_some(now);
}

void Connection::read_some(Clock::time_point now) {
  std::span<char> buffer = books_.buffer;
  if (now >= books_.last_call && phase_ == Phase::open) {
    // Too late, unless it is for on_deadline(), which looks once more, to say so.
    if (arrived_ == 0 && (parser_.started() || !used_)) return;
    if (arrived_ == 0) phase_ = Phase::last;
    if (arrived_ > 0) buffer = buffer.first(std::min(buffer.size(), arrived_));
  }
  try {
    std::optional<std::size_t> count = socket_.read(buffer);
    if (!count) {
      arrived_ = 0;
      return;
    }
    arrived_ -= std::min(arrived_, *count);
    // The end of its stream: the peer has left. It may have closed only its side, and listen still;
    // but nearly always it is gone, and then nobody shall wait until its answers are due.
    if (*count == 0)
      lose();
    else if (phase_ == Phase::open)
      take_requests({books_.buffer.data(), *count}, now);
  } catch (const std::system_error&) {  // ECONNRESET, ETIMEDOUT, …
    lose();
  }
}

void Connection::take_requests(std::string_view bytes, Clock::time_point now) {
  try {
    while (!bytes.empty() && phase_ == Phase::open && queue_.size() < queue_limit) {
      bytes.remove_prefix(parser_.feed(bytes));
      if (parser_.wants_continue()) enqueue(go_on());
      if (!parser_.done()) continue;
      request_deadline_ = Books::never;
      http::Request request = parser_.take();
      enqueue(answer_to(request, books_.stats));
      if (!request.keep_alive) phase_ = Phase::last;
    }
  } catch (const http::RequestError& error) {
    refuse(error.status(), error.what());
  }
  if (phase_ != Phase::open) return;  // what follows the last request is not for us
  input_ = bytes;
  if (parser_.started() && request_deadline_ == Books::never)
    request_deadline_ = std::min(now + books_.options.request_timeout, books_.last_call);
}

void Connection::refuse(int status, const std::string& why) {
  Answer answer = refusal(status, why);
  answer.body_omitted = parser_.is_head();
  enqueue(std::move(answer));
  phase_ = Phase::last;
}

void Connection::enqueue(Answer answer) {
  used_ = true;
  Pending& pending = queue_.emplace_back();
  pending.answer = std::move(answer);
  pending.received = Clock::now();
  pending.due = pending.received + pending.answer.delay;
  if (pending.answer.status >= 400) ++books_.stats.errors;
  if (!pending.answer.delayed) return;

  pending.number = ++books_.requests;
  books_.begin(pending.number, pending.answer, pending.received);
}

// ---- Answers go out

void Connection::on_writable(Clock::time_point now) {
  if (wants_to_write()) flush(now);
  settle(now);
}

void Connection::send_piece(Clock::time_point now) {
  Pending& first = queue_.front();
  patience_ = now + books_.options.idle_timeout;
  if (first.answer.fault == Fault::stall) {
    phase_ = Phase::stalled;
    if (books_.stopping()) lose();  // nobody can wait for the end of this
    return;
  }
  if (first.answer.fault == Fault::reset) {
    ::linger nothing{1, 0};  // close() then throws away what is unsent, and sends an RST
    ::setsockopt(socket_.fd().get(), SOL_SOCKET, SO_LINGER, &nothing, sizeof nothing);
    return lose();
  }
  // Once we stop, the answer that nothing follows says so, and ends the connection.
  bool only_one = queue_.size() == 1;
  if (only_one && books_.stopping() && !more_has_arrived()) phase_ = Phase::last;
  bool last_answer = only_one && phase_ == Phase::last;
  out_ = first.answer.next_piece(first.sent, last_answer, std::time(nullptr));
  if (last_answer && first.sent == first.answer.body_end()) {
    // The end of the stream then travels with the last bytes: one packet, one event at the client.
    int yes = 1;
    ::setsockopt(socket_.fd().get(), IPPROTO_TCP, TCP_CORK, &yes, sizeof yes);
  }
  flush(now);
}

void Connection::flush(Clock::time_point now) {
  try {
    while (sent_ < out_.size()) {
      auto count = socket_.write(std::string_view(out_).substr(sent_));
      if (!count) return;  // the rest when there is room
      sent_ += *count;
      patience_ = now + books_.options.idle_timeout;
    }
  } catch (const std::system_error&) {  // EPIPE, ECONNRESET, …
    return lose();
  }
  out_ = {};
  sent_ = 0;
  Pending& first = queue_.front();
  if (first.sent == first.answer.body_end()) return finish_answer(now);
  // The next piece, but not in this turn: a peer that reads as fast as we write must not keep the
  // others waiting.
  first.due = std::max(first.due + first.answer.gap, now + Clock::duration(1));
}

void Connection::finish_answer(Clock::time_point now) {
  Pending& first = queue_.front();
  bool whole = first.answer.fault == Fault::none;
  bool was_full = queue_.size() == queue_limit;
  check_off(first, !whole);
  queue_.pop_front();
  if (!whole) {
    lose_queue();
    phase_ = Phase::last;
  }
  if (phase_ == Phase::open && was_full) {
    request_deadline_ = Books::never;  // begins anew: so far we were the slow ones
    take_requests(std::exchange(input_, {}), now);
  }
}

// ---- The end

void Connection::on_stop(Clock::time_point now) {
  if (phase_ == Phase::stalled) return lose();
  catch_up(now);  // what has arrived is answered
  request_deadline_ =
      parser_.started() ? std::min(request_deadline_, books_.last_call) : Books::never;
  // Nothing yet on a new connection? Somebody connected to ask, so the question is on its way.
  if (!used_) patience_ = std::min(patience_, books_.last_call);
  settle(now);
}

// After every step: is there nothing left to say?
void Connection::settle(Clock::time_point now) {
  bool idle = phase_ == Phase::open && queue_.empty() && !more_has_arrived();
  if (idle && used_ && books_.stopping()) phase_ = Phase::last;
  if (phase_ == Phase::last && queue_.empty()) linger(now);
}

// Part of a request, or what may be one.
bool Connection::more_has_arrived() const {
  return parser_.started() || !input_.empty() || arrived_ > 0;
}

// Closing a socket with unread bytes sends an RST, and that may overtake our last answer. So first
// only our side is closed, and the peer may finish what it is saying.
void Connection::linger(Clock::time_point now) {
  phase_ = Phase::lingering;
  patience_ = now + linger_time;
  if (::shutdown(socket_.fd().get(), SHUT_WR) == -1) lose();
}

void Connection::on_broken() noexcept { lose(); }

void Connection::lose() noexcept {
  lose_queue();
  out_ = {};
  phase_ = Phase::closed;
}

void Connection::lose_queue() noexcept {
  for (Pending& pending : queue_) check_off(pending, true);
  queue_.clear();
}

void Connection::check_off(Pending& pending, bool lost) {
  if (pending.answer.delayed) books_.end(pending.number, pending.answer, pending.received, lost);
}

}  // namespace delay
