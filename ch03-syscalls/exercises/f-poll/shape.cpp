// What the suite of ch03/f needs from your headers.

#include <concepts>
#include <cstddef>
#include <string>
#include <vector>

#include "download.hpp"
#include "handle_events.hpp"
#include "net/fd.hpp"
#include "poll.hpp"

namespace {

template <class T>
concept HasFdAndName = requires(const T download) {
  { download.fd() } -> std::same_as<const net::Fd&>;
  { download.name() } -> std::same_as<const std::string&>;
};
template <class T>
concept Adds = requires(T poll, const net::Fd& source, Token token) { poll.add(source, token); };
template <class T>
concept Removes = requires(T poll, Token token) { poll.remove(token); };
template <class T>
concept Waits = requires(T poll) {
  { poll.wait() } -> std::same_as<std::vector<Token>>;
};
template <class T>
concept Counts = requires(const T poll) {
  { poll.entries_scanned() } -> std::same_as<std::size_t>;
};
template <class T>
concept HandlesEvents =
    requires(T& poll, const std::vector<Token>& ready, std::vector<Download>& downloads) {
      { handle_events(poll, ready, downloads) } -> std::same_as<std::size_t>;
    };

static_assert(std::same_as<Token, std::size_t>, "poll.hpp needs: using Token = std::size_t;");
static_assert(HasFdAndName<Download>, "Download needs: const net::Fd& fd() const, and name()");
static_assert(std::default_initializable<Poll>, "a Poll is made from nothing: Poll poll;");
static_assert(Adds<Poll>, "Poll needs: void add(const net::Fd& source, Token token)");
static_assert(Removes<Poll>, "Poll needs: void remove(Token token)");
static_assert(Waits<Poll>, "Poll needs: std::vector<Token> wait()");
static_assert(Counts<Poll>, "Poll needs: std::size_t entries_scanned() const");
static_assert(HandlesEvents<Poll>,
              "handle_events.hpp needs: std::size_t handle_events(Poll& poll, const "
              "std::vector<Token>& ready, std::vector<Download>& downloads)");

}  // namespace
