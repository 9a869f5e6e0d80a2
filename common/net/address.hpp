#pragma once
// Where a socket connects to or listens at: an IPv4 or IPv6 address and a port.

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace net {

// A value: copy it freely, share it between threads as long as nobody writes.
class Address {
 public:
  // From "HOST:PORT": "127.0.0.1:8080", "[::1]:8080", "localhost:8080". A name is looked up, which
  // may block; its first address wins. Throws std::invalid_argument with a sentence that says what
  // is wrong with the text, or that the name is unknown.
  [[nodiscard]] static Address parse(std::string_view text);
  // As above from parts; an IPv6 host may stand with or without its brackets. Port 0 means "any".
  [[nodiscard]] static Address resolve(const std::string& host, std::uint16_t port);
  // The same, with all addresses of a name, at least one: "localhost" is often ::1 and 127.0.0.1,
  // and a server may be at the second only.
  [[nodiscard]] static std::vector<Address> parse_all(std::string_view text);
  [[nodiscard]] static std::vector<Address> resolve_all(const std::string& host,
                                                        std::uint16_t port);
  // What this socket is bound to. Throws std::system_error("getsockname").
  [[nodiscard]] static Address local(int socket);

  [[nodiscard]] int family() const noexcept { return storage_.ss_family; }  // AF_INET or AF_INET6
  [[nodiscard]] const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint16_t port() const noexcept;
  // "127.0.0.1:8080" or "[::1]:8080": parse() takes it back, and it can stand in a Host header.
  [[nodiscard]] std::string to_string() const;

 private:
  Address() = default;
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace net
