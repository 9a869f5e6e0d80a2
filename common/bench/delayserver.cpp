#include "bench/delayserver.hpp"

#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include "delayserver/server.hpp"
#include "http/client.hpp"
#include "net/fd.hpp"

namespace bench {
namespace {

constexpr const char* serve_variable = "COURSE_BENCH_DELAYSERVER";  // to be one …
constexpr const char* address_variable = "COURSE_BENCH_SERVER";     // … and where one is

}  // namespace

Delayserver::Delayserver() {
  if (const char* known = std::getenv(address_variable)) {
    address_ = net::Address::parse(known);
    return;
  }
  child_ = std::make_unique<process::Child>(
      process::Command{{std::filesystem::read_symlink("/proc/self/exe")}, {{serve_variable, "1"}}});
  if (!child_->wait_for_output("\n", std::chrono::seconds(30)))
    throw std::runtime_error("the delayserver did not start: " + child_->err());
  address_ = net::Address::parse(child_->out().substr(0, child_->out().find('\n')));
  ::setenv(address_variable, address_->to_string().c_str(), 1);
}

Delayserver::~Delayserver() {
  if (child_) ::unsetenv(address_variable);
}

std::uint64_t Delayserver::peak_in_flight() const {
  std::string said =
      http::get("http://" + address_->to_string() + "/stats", std::chrono::seconds(30)).body;
  return nlohmann::json::parse(said).at("peak_in_flight").get<std::uint64_t>();
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) throw net::last_error("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == -1) throw net::last_error("setrlimit");
  return limit.rlim_cur;
}

bool detail::is_delayserver() { return std::getenv(serve_variable) != nullptr; }

int detail::serve() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // where the bench is killed, nobody else would end it
  delay::Options options;
  options.address = net::Address::parse("127.0.0.1:0");
  delay::Server server(std::move(options));
  std::printf("%s\n", server.address().to_string().c_str());
  std::fflush(stdout);
  server.run();
  return 0;
}

}  // namespace bench
