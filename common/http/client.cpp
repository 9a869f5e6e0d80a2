#include "http/client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <climits>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#include "http/request.hpp"
#include "http/wire.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "net/tcp_stream.hpp"

namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Url {
  std::string host;  // "localhost:8080": as it stands in the URL, and in the Host header
  std::string path;  // with the query
};

Url parse(std::string_view url) {
  std::string_view rest = url;
  if (!wire::equal_ignoring_case(rest.substr(0, 7), "http://"))
    throw std::invalid_argument(wire::quoted(url) + " does not begin with http://");
  rest.remove_prefix(7);
  rest = rest.substr(0, rest.find('#'));  // a fragment is the client's own business
  std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view host = rest.substr(0, end), path = rest.substr(end);
  if (host.empty()) throw std::invalid_argument(wire::quoted(url) + " names no host");
  if (host.find('@') != std::string_view::npos)
    throw std::invalid_argument(wire::quoted(url) + ": a user in the URL is not supported");
  return {std::string(host), (path.starts_with('/') ? "" : "/") + std::string(path)};
}

std::vector<net::Address> addresses_of(const std::string& host) {
  std::size_t brackets = host.find(']');  // of an IPv6 address, whose colons are not the port's
  bool has_port = host.find(':', brackets == std::string::npos ? 0 : brackets) != std::string::npos;
  return has_port ? net::Address::parse_all(host) : net::Address::resolve_all(host, 80);
}

// Not a point in time: that could lie beyond what the clock can say.
class Timer {
 public:
  explicit Timer(milliseconds timeout) : timeout_(timeout) {}

  // Waits until the socket is ready for `events`, or has failed. Throws ETIMEDOUT once the time is
  // up, even if the socket is ready: a server that never stops sending must not keep us for ever.
  void wait(const net::Fd& socket, short events) const {
    for (;;) {
      // What has passed is rounded down, so what is left is rounded up: no turns with poll(…, 0).
      auto passed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - start_);
      if (passed >= timeout_) throw std::system_error(ETIMEDOUT, std::generic_category(), "poll");
      pollfd interest{socket.get(), events, 0};
      int left =
          static_cast<int>(std::min<milliseconds::rep>((timeout_ - passed).count(), INT_MAX));
      int ready = ::poll(&interest, 1, left);
      if (ready > 0) return;
      if (ready == -1 && errno != EINTR) throw net::last_error("poll");
    }
  }

 private:
  milliseconds timeout_;
  steady_clock::time_point start_ = steady_clock::now();
};

// Only begins to connect. The first write waits for the end of it, and reports a failure as its
// own.
net::TcpStream begin_connect(const net::Address& address) {
  int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  net::TcpStream stream(net::Fd::checked(::socket(address.family(), type, 0), "socket"));
  if (::connect(stream.fd().get(), address.data(), address.size()) == -1 && errno != EINPROGRESS &&
      errno != EINTR)
    throw net::last_error("connect");
  return stream;
}

Response exchange(const net::Address& address, std::string_view request, const Timer& timer) {
  net::TcpStream stream = begin_connect(address);
  while (!request.empty()) {
    timer.wait(stream.fd(), POLLOUT);
    request.remove_prefix(stream.write(request).value_or(0));
  }
  ResponseParser parser;
  std::array<char, 16 * 1024> buffer;
  while (!parser.done()) {
    timer.wait(stream.fd(), POLLIN);
    std::optional<std::size_t> size = stream.read(buffer);
    if (!size) continue;
    if (*size == 0)
      parser.finish();
    else
      parser.feed({buffer.data(), *size});
  }
  return parser.take();
}

}  // namespace

Response get(const std::string& url, milliseconds timeout) {
  auto [host, path] = parse(url);
  std::string request = get_request(path, host);
  std::vector<net::Address> addresses = addresses_of(host);
  Timer timer(timeout);
  try {
    for (auto address = addresses.begin();; ++address) try {
        return exchange(*address, request, timer);
      } catch (const std::system_error& error) {  // a name may have another address
        if (error.code() != std::errc::connection_refused || address + 1 == addresses.end()) throw;
      }
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "get " + url);
  } catch (const ParseError& error) {
    throw ParseError("get " + url + ": " + error.what());
  }
}

}  // namespace http
