// What the suite of ch04/x-nonblocking-connect needs from your headers.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <string>
#include <vector>

#include "download.hpp"
#include "handle_events.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "poll.hpp"

namespace {

template <class T>
concept Advances = requires(T download) {
  { download.advance() } -> std::same_as<bool>;
};
template <class T>
concept TellsItsState = requires(const T download) {
  { download.fd() } -> std::same_as<const net::Fd&>;
  { download.name() } -> std::same_as<const std::string&>;
  { download.done() } -> std::same_as<bool>;
  { download.response().body } -> std::convertible_to<std::string>;
};
template <class T>
concept Registers = requires(const T registry, const net::Fd& source, Token token) {
  registry.add(source, token);
  registry.remove(source);
};
template <class T>
concept HasRegistry = requires(const T poll) {
  { poll.registry() } -> std::same_as<const Registry&>;
};
template <class T>
concept Waits = requires(T poll) {
  { poll.wait() } -> std::same_as<std::vector<Token>>;
};
template <class T>
concept HandlesEvents =
    requires(T& poll, const std::vector<Token>& ready, std::vector<Download>& downloads) {
      { handle_events(poll, ready, downloads) } -> std::same_as<std::size_t>;
    };

static_assert(std::same_as<Token, std::size_t>, "poll.hpp needs: using Token = std::size_t;");
static_assert(
    std::constructible_from<Download, const net::Address&, std::string, std::chrono::milliseconds>,
    "Download needs: Download(const net::Address& server, std::string name, "
    "std::chrono::milliseconds delay)");
static_assert(std::move_constructible<Download>, "a Download can be moved into a vector");
static_assert(Advances<Download>, "Download needs: bool advance()");
static_assert(TellsItsState<Download>,
              "Download needs: const net::Fd& fd() const, name(), done() and response()");
static_assert(Registers<Registry>,
              "Registry needs: void add(const net::Fd& source, Token token) const, and void "
              "remove(const net::Fd& source) const");
static_assert(std::default_initializable<Poll>, "a Poll is made from nothing: Poll poll;");
static_assert(HasRegistry<Poll>, "Poll needs: const Registry& registry() const");
static_assert(Waits<Poll>, "Poll needs: std::vector<Token> wait()");
static_assert(HandlesEvents<Poll>,
              "handle_events.hpp needs: std::size_t handle_events(Poll& poll, const "
              "std::vector<Token>& ready, std::vector<Download>& downloads)");

}  // namespace
