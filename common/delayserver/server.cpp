// The delayserver's event loop: one thread, one epoll queue, thousands of waiting requests. It
// knows when something can be done; what is to be done then, connection.cpp knows.
//
// The queue is level-triggered: what we leave undone is reported again. So every step can be small,
// which is what makes the loop fair, and no step can forget the rest. The price is an epoll_ctl()
// whenever a connection begins to wait for something else; a client that reads its answers never
// makes us pay it.

#include "delayserver/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "delayserver/connection.hpp"
#include "delayserver/event_queue.hpp"
#include "net/fd.hpp"
#include "net/tcp_listener.hpp"
#include "net/tcp_stream.hpp"

namespace delay {
namespace {

using std::chrono::milliseconds;

// After stop(), for requests that are still on their way.
constexpr milliseconds grace{1000};
// When accept() fails, it is mostly for want of descriptors, and asking again at once would fail
// again, as fast as the CPU can: so we wait this long, or until a connection closes.
constexpr milliseconds accept_pause{100};
constexpr int accepts_a_turn = 64;

// What an event is about: one of these two, or the id of a connection. Ids are never used again,
// unlike descriptors: an event for a connection that is gone finds nobody.
constexpr std::uint64_t listener_id = 0;
constexpr std::uint64_t bell_id = 1;

}  // namespace

struct Server::Impl {
  struct Client;
  using Timer = std::pair<Clock::time_point, Client*>;
  struct Client {
    Client(std::uint64_t number, net::TcpStream socket, Books& books, Clock::time_point now)
        : id(number), connection(std::move(socket), books, now) {}
    std::uint64_t id;
    Connection connection;
    std::uint32_t interest = EPOLLIN;          // what epoll watches for us
    Timer timer{connection.deadline(), this};  // as it stands in timers
  };

  explicit Impl(Options wanted);

  void run();
  void handle(const epoll_event& event);
  void run_timers();
  void begin_to_stop(Clock::time_point now);
  void close_listener(Clock::time_point now);

  enum class Queue { empty, waits, failed };
  Queue accept_some(Clock::time_point now);
  void admit(net::TcpStream socket, Clock::time_point now);
  void watch_listener(bool watch, Clock::time_point until);

  template <class Step>
  void take(Client& client, Step step);
  void update(Client& client);
  void forget(Client& client);

  [[nodiscard]] Clock::time_point next_deadline() const;

  Books books;
  EventQueue queue;
  Bell bell;
  std::optional<net::TcpListener> listener;
  net::Address address;
  bool listener_watched = true;
  Clock::time_point accept_again = Books::never;  // while the listener is not watched
  std::size_t owed = 0;  // connections that stood in its queue when the server was stopped

  std::uint64_t last_id = bell_id;
  std::unordered_map<std::uint64_t, Client> clients;
  std::set<Timer> timers;  // one a client, the next one first

  // Held while the loop is at work, not while it waits: stats() never sees half of a turn.
  mutable std::mutex mutex;
};

Server::Impl::Impl(Options wanted)
    : books(std::move(wanted)),
      listener(net::TcpListener::bind(books.options.address)),
      address(listener->address()) {
  queue.add(listener->fd().get(), EPOLLIN, listener_id);
  queue.add(bell.fd(), EPOLLIN, bell_id);
}

// ---- The loop

void Server::Impl::run() {
  while (!books.stopping() || listener || !clients.empty()) {
    std::span<const epoll_event> events = queue.wait_until(next_deadline());
    std::lock_guard turn(mutex);
    for (const epoll_event& event : events) handle(event);
    run_timers();
  }
}

Clock::time_point Server::Impl::next_deadline() const {
  Clock::time_point next = timers.empty() ? Books::never : timers.begin()->first;
  if (listener) next = std::min(next, accept_again);
  if (listener && (listener_watched || owed == 0)) next = std::min(next, books.last_call);
  return next;
}

void Server::Impl::handle(const epoll_event& event) {
  std::uint64_t id = event.data.u64;
  Clock::time_point now = Clock::now();
  if (id == bell_id) {
    bell.silence();  // or it would be reported for ever
    return begin_to_stop(now);
  }
  if (id == listener_id) {
    if (listener) accept_some(now);
    return;
  }
  auto found = clients.find(id);
  if (found == clients.end()) return;
  take(found->second, [&](Connection& connection) {
    // EPOLLHUP and EPOLLERR are reported unasked, and until somebody acts on them.
    bool left = (event.events & (EPOLLHUP | EPOLLRDHUP)) != 0;
    if ((event.events & EPOLLERR) != 0 || (left && !connection.wants_to_read()))
      return connection.on_broken();
    if ((event.events & EPOLLIN) != 0 || left) connection.on_readable(now);
    if ((event.events & EPOLLOUT) != 0) connection.on_writable(now);
  });
}

// Answers begin only here, so they begin in the order in which they are due, whatever events came
// in between. What a step of a connection sets anew is due later than now, so this comes to an end.
void Server::Impl::run_timers() {
  Clock::time_point now = Clock::now();
  while (!timers.empty() && timers.begin()->first <= now) {
    take(*timers.begin()->second, [&](Connection& connection) { connection.on_deadline(now); });
  }
  if (listener && accept_again <= now) watch_listener(true, Books::never);
  if (listener && books.stopping()) close_listener(now);
}

// ---- Connections come …

// Accepts some of those who wait; does somebody wait still?
Server::Impl::Queue Server::Impl::accept_some(Clock::time_point now) {
  try {
    for (int i = 0; i < accepts_a_turn; ++i) {
      if (books.last_call <= now && owed == 0) return Queue::waits;  // but comes too late
      std::size_t most = books.options.max_connections;
      if (most > 0 && clients.size() >= most) {
        watch_listener(false, Books::never);
        return Queue::waits;
      }
      auto socket = listener->accept();
      if (!socket) return Queue::empty;
      if (owed > 0) --owed;
      admit(std::move(*socket), now);
    }
  } catch (const std::exception&) {  // EMFILE, ENFILE, ENOBUFS, ENOMEM, …; or no memory of ours
    watch_listener(false, now + accept_pause);
    return Queue::failed;
  }
  return Queue::waits;
}

void Server::Impl::admit(net::TcpStream socket, Clock::time_point now) {
  socket.set_nonblocking();
  // Every write is a whole piece: to hold it back until the one before is acknowledged (as Nagle's
  // algorithm does) would only make it late.
  int fd = socket.fd().get(), yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  queue.add(fd, EPOLLIN, ++last_id);

  auto [place, added] = clients.try_emplace(last_id, last_id, std::move(socket), books, now);
  Client& client = place->second;
  try {
    timers.insert(client.timer);
  } catch (const std::bad_alloc&) {
    clients.erase(place);
    throw;
  }
  take(client, [&](Connection& connection) {
    if (books.stopping()) connection.on_stop(now);
  });
}

// Not watching it is how we wait before the next accept(): until then, or until a client leaves.
void Server::Impl::watch_listener(bool watch, Clock::time_point until) {
  queue.change(listener->fd().get(), watch ? EPOLLIN : 0u, listener_id);
  listener_watched = watch;
  accept_again = until;
}

// ---- … change, and go

// Every step of a connection is taken here. Whatever goes wrong in it, above all memory that has
// run out, ends this connection, and none of the others.
template <class Step>
void Server::Impl::take(Client& client, Step step) {
  try {
    step(client.connection);
  } catch (const std::exception&) {
    client.connection.on_broken();
  }
  update(client);
}

// After every step: what does it wait for now?
void Server::Impl::update(Client& client) {
  const Connection& connection = client.connection;
  if (connection.closed()) return forget(client);
  // Even where nothing is read, EPOLLRDHUP tells that the peer has left.
  std::uint32_t interest = (connection.wants_to_read() ? EPOLLIN : EPOLLRDHUP) |
                           (connection.wants_to_write() ? EPOLLOUT : 0u);
  if (interest != client.interest) {
    try {
      queue.change(connection.fd(), interest, client.id);
    } catch (const std::system_error&) {  // nobody would tell us about it any more
      return forget(client);
    }
    client.interest = interest;
  }
  Timer timer{connection.deadline(), &client};
  if (timer != client.timer) {
    auto node = timers.extract(client.timer);
    node.value() = client.timer = timer;
    timers.insert(std::move(node));
  }
}

void Server::Impl::forget(Client& client) {
  timers.erase(client.timer);
  clients.erase(client.id);
  if (listener && !listener_watched) watch_listener(true, Books::never);
}

// ---- Stopping

void Server::Impl::begin_to_stop(Clock::time_point now) {
  if (books.stopping()) return;
  books.last_call = now + std::min(grace, books.options.request_timeout);
  owed = listener->waiting();
  for (auto next = clients.begin(); next != clients.end();) {
    Client& client = (next++)->second;  // first, because update() may remove this one
    take(client, [&](Connection& connection) { connection.on_stop(now); });
  }
}

// Whoever connected before the stop shall be served, and may still stand in the listener's queue:
// to close the listener would reset them. So that queue is emptied first, however long they have to
// wait for a place. (A connection that is made between the last accept() and the close is lost all
// the same; only a successor that takes over the listener could save it.)
void Server::Impl::close_listener(Clock::time_point now) {
  bool last_call_is_over = books.last_call <= now;
  Queue found = Queue::waits;
  if (last_call_is_over && owed == 0)
    found = Queue::empty;  // whoever stands there now came too late
  else if (listener_watched)
    found = accept_some(now);
  // What cannot be accepted although nobody here holds a descriptor or memory will not be later.
  bool hopeless = found == Queue::failed && last_call_is_over && clients.empty();
  if (found == Queue::empty || hopeless) listener.reset();
}

// ---- The public face

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

net::Address Server::address() const { return impl_->address; }
void Server::run() { impl_->run(); }

void Server::stop() noexcept { impl_->bell.ring(); }

Stats Server::stats() const {
  std::lock_guard between_turns(impl_->mutex);
  return impl_->books.stats;
}

}  // namespace delay
