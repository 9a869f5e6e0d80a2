#pragma once
// A delayserver for benches: in a process of its own, so that what it does counts nowhere.

#include <cstdint>
#include <memory>
#include <optional>

#include "net/address.hpp"
#include "process/child.hpp"

namespace bench {

// The process is this program once more (see run()). It ends with the object, and with the bench.
// In a program that is counted (see instructions_of_one()), the server is that of the program that
// has it counted: there has to be one already.
class Delayserver {
 public:
  Delayserver();
  Delayserver(const Delayserver&) = delete;
  ~Delayserver();

  [[nodiscard]] const net::Address& address() const { return *address_; }
  // The most requests that it has had at the same time.
  [[nodiscard]] std::uint64_t peak_in_flight() const;

 private:
  std::unique_ptr<process::Child> child_;  // none where it is another one's
  std::optional<net::Address> address_;
};

// As many descriptors as this process may have, for itself and for the servers that it starts.
std::uint64_t raise_descriptor_limit();

namespace detail {
[[nodiscard]] bool is_delayserver();  // that is what this process has been started for
int serve();
}  // namespace detail

}  // namespace bench
