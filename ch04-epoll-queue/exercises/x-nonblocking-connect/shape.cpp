// What the suite of ch04/x-nonblocking-connect needs from your headers.

#include "testing/shape.hpp"

#include "handle_events.hpp"

using testing::a;
using Downloads = std::vector<Download>;
using Tokens = std::vector<Token>;

static_assert(std::same_as<Token, std::size_t>, "poll.hpp needs: using Token = std::size_t;");
NEEDS(Download, T(a<const net::Address&>(), a<std::string>(), std::chrono::milliseconds()), T,
      "Download needs: Download(const net::Address& server, std::string name, "
      "std::chrono::milliseconds delay)");
static_assert(std::move_constructible<Download>, "a Download can be moved into a vector");
NEEDS(Download, it.advance(), bool, "Download needs: bool advance()");
NEEDS(const Download, it.fd(), const net::Fd&, "Download needs: const net::Fd& fd() const");
NEEDS(const Download, it.name(), const std::string&,
      "Download needs: const std::string& name() const");
NEEDS(const Download, it.done(), bool, "Download needs: bool done() const");
NEEDS(const Download, it.response(), const http::Response&,
      "Download needs: const http::Response& response() const");
NEEDS(const Registry, it.add(a<const net::Fd&>(), Token()), void,
      "Registry needs: void add(const net::Fd& source, Token token) const");
NEEDS(const Registry, it.remove(a<const net::Fd&>()), void,
      "Registry needs: void remove(const net::Fd& source) const");
static_assert(std::default_initializable<Poll>, "a Poll is made from nothing: Poll poll;");
NEEDS(const Poll, Registry(it.registry()), Registry, "Poll needs: Registry registry() const");
NEEDS(Poll, it.wait(), Tokens, "Poll needs: std::vector<Token> wait()");
NEEDS(Poll, handle_events(it, a<const Tokens&>(), a<Downloads&>()), std::size_t,
      "handle_events.hpp needs: std::size_t handle_events(Poll& poll, const std::vector<Token>& "
      "ready, "
      "std::vector<Download>& downloads)");
