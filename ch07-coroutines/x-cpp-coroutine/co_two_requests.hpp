#pragma once
// The function that two_requests.hpp cuts into pieces by hand, as we would like to write it. The
// compiler cuts it.

#include <chrono>
#include <string>

#include "http.hpp"
#include "net/address.hpp"
#include "task.hpp"

inline Task<std::string> co_two_requests(net::Address server, std::chrono::milliseconds unit) {
  std::string first = co_await get(server, "request-0", 2 * unit);
  std::string second = co_await get(server, first + "-b", unit);
  co_return second;
}
