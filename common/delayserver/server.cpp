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
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "delayserver/connection.hpp"
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
constexpr std::uint64_t wake_id = 1;

net::Fd make_epoll() { return net::Fd::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"); }

net::Fd make_eventfd() {
  return net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

// For epoll_wait(). Rounded up: a millisecond of waiting too little would be spent on asking again.
int milliseconds_until(Clock::time_point at) {
  if (at == Books::never) return -1;
  auto left = std::chrono::ceil<milliseconds>(at - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

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

  bool accept_some(Clock::time_point now);
  void admit(net::TcpStream socket, Clock::time_point now);
  void watch_listener(bool watch, Clock::time_point until);

  void update(Client& client);
  void forget(Client& client);

  void control(int operation, int fd, std::uint32_t events, std::uint64_t id);
  [[nodiscard]] Clock::time_point next_deadline() const;

  Books books;
  net::Fd epoll = make_epoll();
  net::Fd wake = make_eventfd();
  std::optional<net::TcpListener> listener;
  net::Address address;
  bool listener_watched = true;
  Clock::time_point accept_again = Books::never;  // while the listener is not watched

  std::uint64_t last_id = wake_id;
  std::unordered_map<std::uint64_t, Client> clients;
  std::set<Timer> timers;  // one a client, the next one first

  // Held while the loop is at work, not while it waits: stats() never sees half of a turn.
  mutable std::mutex mutex;
};

Server::Impl::Impl(Options wanted)
    : books(std::move(wanted)),
      listener(net::TcpListener::bind(books.options.address)),
      address(listener->address()) {
  control(EPOLL_CTL_ADD, listener->fd().get(), EPOLLIN, listener_id);
  control(EPOLL_CTL_ADD, wake.get(), EPOLLIN, wake_id);
}

// ---- The loop

void Server::Impl::run() {
  std::array<epoll_event, 256> events;
  while (!books.stopping() || listener || !clients.empty()) {
    int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()),
                             milliseconds_until(next_deadline()));
    // A signal is no event: count is -1 then, and there is nothing to handle.
    if (count == -1 && errno != EINTR) throw net::last_error("epoll_wait");

    std::lock_guard turn(mutex);
    for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
    run_timers();
  }
}

Clock::time_point Server::Impl::next_deadline() const {
  Clock::time_point next = timers.empty() ? Books::never : timers.begin()->first;
  if (listener) next = std::min({next, accept_again, books.last_call});
  return next;
}

void Server::Impl::handle(const epoll_event& event) {
  std::uint64_t id = event.data.u64;
  Clock::time_point now = Clock::now();
  if (id == wake_id) {
    // Emptied, or it would be reported for ever.
    std::uint64_t stops = 0;
    [[maybe_unused]] ssize_t size = ::read(wake.get(), &stops, sizeof stops);
    return begin_to_stop(now);
  }
  if (id == listener_id) {
    if (listener) accept_some(now);
    return;
  }
  auto found = clients.find(id);
  if (found == clients.end()) return;
  Client& client = found->second;
  Connection& connection = client.connection;
  // EPOLLHUP and EPOLLERR are reported unasked, and until somebody acts on them.
  bool hung_up = (event.events & EPOLLHUP) != 0;
  if ((event.events & EPOLLERR) != 0 || (hung_up && !connection.wants_to_read())) {
    connection.on_broken();
  } else {
    if ((event.events & EPOLLIN) != 0 || hung_up) connection.on_readable(now);
    if ((event.events & EPOLLOUT) != 0) connection.on_writable(now);
  }
  update(client);
}

// Answers begin only here, so they begin in the order in which they are due, whatever events came
// in between. What a step of a connection sets anew is due later than now, so this comes to an end.
void Server::Impl::run_timers() {
  Clock::time_point now = Clock::now();
  while (!timers.empty() && timers.begin()->first <= now) {
    Client& client = *timers.begin()->second;
    client.connection.on_deadline(now);
    update(client);
  }
  if (listener && accept_again <= now) watch_listener(true, Books::never);
  if (listener && books.stopping()) close_listener(now);
}

// ---- Connections come …

// Accepts some of those who wait; true if nobody waits any more.
bool Server::Impl::accept_some(Clock::time_point now) {
  try {
    for (int i = 0; i < accepts_a_turn; ++i) {
      std::size_t most = books.options.max_connections;
      if (most > 0 && clients.size() >= most) {
        watch_listener(false, Books::never);
        return false;
      }
      auto socket = listener->accept();
      if (!socket) return true;
      admit(std::move(*socket), now);
    }
  } catch (const std::system_error&) {  // EMFILE, ENFILE, ENOBUFS, ENOMEM, …
    watch_listener(false, now + accept_pause);
  }
  return false;
}

void Server::Impl::admit(net::TcpStream socket, Clock::time_point now) {
  socket.set_nonblocking();
  // Every write is a whole piece: to hold it back until the one before is acknowledged (as Nagle's
  // algorithm does) would only make it late.
  int fd = socket.fd().get(), yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  control(EPOLL_CTL_ADD, fd, EPOLLIN, ++last_id);

  auto [place, added] = clients.try_emplace(last_id, last_id, std::move(socket), books, now);
  Client& client = place->second;
  timers.insert(client.timer);
  if (books.stopping()) client.connection.on_stop(now);
  update(client);
}

// Not watching it is how we wait before the next accept(): until then, or until a client leaves.
void Server::Impl::watch_listener(bool watch, Clock::time_point until) {
  control(EPOLL_CTL_MOD, listener->fd().get(), watch ? EPOLLIN : 0u, listener_id);
  listener_watched = watch;
  accept_again = until;
}

// ---- … change, and go

// After every step of a connection: what does it wait for now?
void Server::Impl::update(Client& client) {
  const Connection& connection = client.connection;
  if (connection.closed()) return forget(client);
  std::uint32_t interest =
      (connection.wants_to_read() ? EPOLLIN : 0u) | (connection.wants_to_write() ? EPOLLOUT : 0u);
  if (interest != client.interest) {
    try {
      control(EPOLL_CTL_MOD, connection.fd(), interest, client.id);
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
  for (auto next = clients.begin(); next != clients.end();) {
    Client& client = (next++)->second;  // first, because update() may remove this one
    client.connection.on_stop(now);
    update(client);
  }
}

// Whoever connected before the stop shall be served, and may still stand in the listener's queue:
// to close the listener would reset them. So that queue is emptied first. (A connection that is
// made between the last accept() and the close is lost all the same; only a successor that takes
// over the listener could save it.)
void Server::Impl::close_listener(Clock::time_point now) {
  bool nobody_waits = listener_watched && accept_some(now);
  if (nobody_waits || books.last_call <= now) listener.reset();
}

void Server::Impl::control(int operation, int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll.get(), operation, fd, &event) == -1) throw net::last_error("epoll_ctl");
}

// ---- The public face

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

net::Address Server::address() const { return impl_->address; }
void Server::run() { impl_->run(); }

// write() is all that a signal handler may do, and all that is needed: the loop does the rest.
void Server::stop() noexcept {
  int saved = errno;
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t size = ::write(impl_->wake.get(), &one, sizeof one);
  errno = saved;
}

Stats Server::stats() const {
  std::lock_guard between_turns(impl_->mutex);
  return impl_->books.stats;
}

}  // namespace delay
