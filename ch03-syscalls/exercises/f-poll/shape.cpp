// What the suite of ch03/f needs from your headers.

#include "testing/shape.hpp"

#include "handle_events.hpp"

using testing::a;
using Downloads = std::vector<Download>;
using Tokens = std::vector<Token>;

static_assert(std::same_as<Token, std::size_t>, "poll.hpp needs: using Token = std::size_t;");
static_assert(std::default_initializable<Poll>, "a Poll is made from nothing: Poll poll;");
NEEDS(Poll, it.add(a<const net::Fd&>(), Token()), void,
      "Poll needs: void add(const net::Fd& source, Token token)");
NEEDS(Poll, it.remove(Token()), void, "Poll needs: void remove(Token token)");
NEEDS(Poll, it.wait(), Tokens, "Poll needs: std::vector<Token> wait()");
NEEDS(const Poll, it.entries_scanned(), std::size_t,
      "Poll needs: std::size_t entries_scanned() const");
NEEDS(Poll, handle_events(it, a<const Tokens&>(), a<Downloads&>()), std::size_t,
      "handle_events.hpp needs: std::size_t handle_events(Poll& poll, const std::vector<Token>& "
      "ready, "
      "std::vector<Download>& downloads)");
