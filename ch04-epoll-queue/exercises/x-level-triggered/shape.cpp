// What the suite of ch04/x-level-triggered needs from your headers.

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
concept HandlesEvents = requires(T& poll, const std::vector<Token>& ready,
                                 std::vector<Download>& downloads, Turns& turns) {
  { handle_events(poll, ready, downloads, turns) } -> std::same_as<std::size_t>;
};

static_assert(std::same_as<Token, std::size_t>, "poll.hpp needs: using Token = std::size_t;");
static_assert(HasFdAndName<Download>, "Download needs: const net::Fd& fd() const, and name()");
static_assert(Registers<Registry>,
              "Registry needs: void add(const net::Fd& source, Token token) const, and void "
              "remove(const net::Fd& source) const");
static_assert(std::default_initializable<Poll>, "a Poll is made from nothing: Poll poll;");
static_assert(HasRegistry<Poll>, "Poll needs: const Registry& registry() const");
static_assert(Waits<Poll>, "Poll needs: std::vector<Token> wait()");
static_assert(std::default_initializable<Turns>, "Turns are made from nothing: Turns turns;");
static_assert(HandlesEvents<Poll>,
              "handle_events.hpp needs: std::size_t handle_events(Poll& poll, const "
              "std::vector<Token>& ready, std::vector<Download>& downloads, Turns& turns)");

}  // namespace
