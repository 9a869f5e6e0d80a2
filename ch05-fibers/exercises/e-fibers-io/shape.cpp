// What the suite of ch05/e needs from your headers.

#include "testing/shape.hpp"

#include <chrono>
#include <span>
#include <string_view>

#include "runtime.hpp"
#include "source.hpp"
#include "tcp_stream.hpp"

using testing::a;
using Buffer = std::span<char>;
using Function = void (*)();
using Milliseconds = std::chrono::milliseconds;

NEEDS(Runtime, it.spawn(a<Function>()), void, "Runtime needs: void spawn(F function)");
NEEDS(Function, spawn(it), void, "runtime.hpp needs: void spawn(F function)");
NEEDS(const net::Fd, Source(it), Source,
      "Source needs: explicit Source(const net::Fd& descriptor)");
NEEDS(Source, it.wait_readable(Clock::time_point(), ""), void,
      "Source needs: void wait_readable(Clock::time_point deadline, const char* call)");
static_assert(std::movable<TcpStream>, "a TcpStream can be moved");
static_assert(std::same_as<TcpStream::Timeout, Milliseconds>,
              "TcpStream needs: using Timeout = std::chrono::milliseconds;");
NEEDS(const net::Address, TcpStream::connect(it, TcpStream::none), TcpStream,
      "TcpStream needs: static TcpStream connect(const net::Address& address, Timeout timeout = "
      "none)");
NEEDS(TcpStream, it.set_timeout(Milliseconds()), void,
      "TcpStream needs: void set_timeout(Timeout timeout)");
NEEDS(TcpStream, it.read(a<Buffer>()), std::size_t,
      "TcpStream needs: std::size_t read(std::span<char> buffer)");
NEEDS(TcpStream, it.write(a<std::string_view>()), std::size_t,
      "TcpStream needs: std::size_t write(std::string_view bytes)");
NEEDS(TcpStream, it.write_all(a<std::string_view>()), void,
      "TcpStream needs: void write_all(std::string_view bytes)");
NEEDS(const net::Address, TcpListener(it).accept(), TcpStream,
      "TcpListener needs: explicit TcpListener(const net::Address& address), TcpStream accept()");
NEEDS(const TcpListener, it.address(), net::Address,
      "TcpListener needs: net::Address address() const");
NEEDS(Milliseconds, sleep_for(it), void,
      "tcp_stream.hpp needs: void sleep_for(std::chrono::milliseconds time)");
