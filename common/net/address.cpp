#include "net/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "net/fd.hpp"

namespace net {
namespace {

std::invalid_argument bad(std::string_view text, const char* why) {
  return std::invalid_argument("\"" + std::string(text) + "\" is not HOST:PORT: " + why);
}

}  // namespace

Address Address::parse(std::string_view text) { return parse_all(text).front(); }

Address Address::resolve(const std::string& host, std::uint16_t port) {
  return resolve_all(host, port).front();
}

std::vector<Address> Address::parse_all(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) throw bad(text, "there is no colon");
  std::string_view host = text.substr(0, colon);
  std::string_view digits = text.substr(colon + 1);
  bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (host.empty()) throw bad(text, "the host is missing");
  if (!bracketed && host.find(':') != std::string_view::npos)
    throw bad(text, "an IPv6 host needs brackets, as in [::1]:8080");

  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    throw bad(text, "the port must be a number from 0 to 65535");
  return resolve_all(std::string(host), port);
}

std::vector<Address> Address::resolve_all(const std::string& host, std::uint16_t port) {
  std::string name = host;
  if (name.size() >= 2 && name.front() == '[' && name.back() == ']')
    name = name.substr(1, name.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int failure = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0)
    throw std::invalid_argument("cannot find the host \"" + name +
                                "\": " + ::gai_strerror(failure));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);

  std::vector<Address> all;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    Address& address = all.emplace_back(Address());
    address.size_ = one->ai_addrlen;
    std::memcpy(&address.storage_, one->ai_addr, one->ai_addrlen);
  }
  return all;
}

Address Address::local(int socket) {
  Address address;
  address.size_ = sizeof address.storage_;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) == -1)
    throw last_error("getsockname");
  return address;
}

std::uint16_t Address::port() const noexcept {
  return ntohs(family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port
                                    : reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string Address::to_string() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) {
    const auto* ip = reinterpret_cast<const sockaddr_in6*>(&storage_);
    ::inet_ntop(AF_INET6, &ip->sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(port());
  }
  const auto* ip = reinterpret_cast<const sockaddr_in*>(&storage_);
  ::inet_ntop(AF_INET, &ip->sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(port());
}

}  // namespace net
