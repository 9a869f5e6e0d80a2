// What the suite of ch04/x-level-triggered needs from your headers.

#include "testing/shape.hpp"

#include "handle_events.hpp"

using testing::a;
using Downloads = std::vector<Download>;
using Tokens = std::vector<Token>;

static_assert(std::same_as<Token, std::size_t>, "poll.hpp needs: using Token = std::size_t;");
NEEDS(const Registry, it.add(a<const net::Fd&>(), Token()), void,
      "Registry needs: void add(const net::Fd& source, Token token) const");
NEEDS(const Registry, it.remove(a<const net::Fd&>()), void,
      "Registry needs: void remove(const net::Fd& source) const");
static_assert(std::default_initializable<Poll>, "a Poll is made from nothing: Poll poll;");
NEEDS(const Poll, Registry(it.registry()), Registry, "Poll needs: Registry registry() const");
NEEDS(Poll, it.wait(), Tokens, "Poll needs: std::vector<Token> wait()");
static_assert(std::default_initializable<Turns>, "Turns are made from nothing: Turns turns;");
NEEDS(Poll, handle_events(it, a<const Tokens&>(), a<Downloads&>(), a<Turns&>()), std::size_t,
      "handle_events.hpp needs: std::size_t handle_events(Poll& poll, const std::vector<Token>& "
      "ready, "
      "std::vector<Download>& downloads, Turns& turns)");
