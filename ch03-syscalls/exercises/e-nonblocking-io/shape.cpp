// What the suite of ch03/e needs from your headers.

#include "testing/shape.hpp"

#include "download.hpp"
#include "tcp_stream.hpp"

using testing::a;
using Buffer = std::span<char>;

NEEDS(TcpStream, T::connect(a<const net::Address&>()), T,
      "TcpStream needs: static TcpStream connect(const net::Address&)");
NEEDS(TcpStream, it.set_nonblocking(), void, "TcpStream needs: void set_nonblocking()");
NEEDS(TcpStream, it.read(Buffer()), std::optional<std::size_t>,
      "TcpStream::read(std::span<char>) must return std::optional<std::size_t>: a count, or no "
      "value when nothing "
      "is there yet");
NEEDS(const TcpStream, it.fd(), const net::Fd&, "TcpStream needs: const net::Fd& fd() const");
NEEDS(Download, T(a<const net::Address&>(), a<std::string>(), std::chrono::milliseconds()), T,
      "a Download is made from (const net::Address& server, std::string name, "
      "std::chrono::milliseconds delay)");
static_assert(std::movable<Download>,
              "a Download must be movable: the example keeps a vector of them");
NEEDS(Download, it.read_some(), bool, "Download needs: bool read_some()");
NEEDS(const Download, it.done(), bool, "Download needs: bool done() const");
NEEDS(const Download, it.response(), const http::Response&,
      "Download needs: const http::Response& response() const");
NEEDS(const Download, it.name(), const std::string&,
      "Download needs: const std::string& name() const");
NEEDS(const Download, it.fd(), const net::Fd&, "Download needs: const net::Fd& fd() const");
