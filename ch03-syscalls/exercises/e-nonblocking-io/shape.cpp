// What the suite of ch03/e needs from your headers.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "download.hpp"
#include "http/response_parser.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "tcp_stream.hpp"

namespace {

template <class T>
concept Connects = requires(const net::Address& address) {
  { T::connect(address) } -> std::same_as<T>;
};
template <class T>
concept BecomesNonblocking = requires(T stream) { stream.set_nonblocking(); };
template <class T>
concept ReadsOrWouldBlock = requires(T stream, std::span<char> buffer) {
  { stream.read(buffer) } -> std::same_as<std::optional<std::size_t>>;
};
template <class T>
concept HasFd = requires(const T source) {
  { source.fd() } -> std::same_as<const net::Fd&>;
};
template <class T>
concept ReadsSome = requires(T download) {
  { download.read_some() } -> std::same_as<bool>;
};
template <class T>
concept KnowsItsAnswer = requires(const T download) {
  { download.done() } -> std::same_as<bool>;
  { download.response() } -> std::same_as<const http::Response&>;
  { download.name() } -> std::same_as<const std::string&>;
};

static_assert(Connects<TcpStream>,
              "TcpStream needs: static TcpStream connect(const net::Address&)");
static_assert(BecomesNonblocking<TcpStream>, "TcpStream needs: void set_nonblocking()");
static_assert(
    ReadsOrWouldBlock<TcpStream>,
    "TcpStream::read(std::span<char>) must return std::optional<std::size_t>: a count, or "
    "no value when nothing is there yet");
static_assert(HasFd<TcpStream>, "TcpStream needs: const net::Fd& fd() const");
static_assert(
    std::constructible_from<Download, const net::Address&, std::string, std::chrono::milliseconds>,
    "a Download is made from (const net::Address& server, std::string name, "
    "std::chrono::milliseconds delay)");
static_assert(std::movable<Download>,
              "a Download must be movable: the example keeps a vector of them");
static_assert(ReadsSome<Download>, "Download needs: bool read_some()");
static_assert(KnowsItsAnswer<Download>,
              "Download needs: bool done() const, const http::Response& response() const, "
              "const std::string& name() const");
static_assert(HasFd<Download>, "Download needs: const net::Fd& fd() const");

}  // namespace
