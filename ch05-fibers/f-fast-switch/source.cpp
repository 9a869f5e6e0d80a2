#include "source.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "runtime.hpp"

Source::Source(const net::Fd& descriptor)
    : descriptor_(descriptor),
      runtime_(Runtime::of_this_thread()),
      token_(runtime_.add(*this, descriptor)) {}

Source::~Source() { runtime_.remove(token_, descriptor_); }

void Source::wait_readable(Clock::time_point deadline, const char* call) {
  wait(reader_, deadline, call);
}
void Source::wait_writable(Clock::time_point deadline, const char* call) {
  wait(writer_, deadline, call);
}

void Source::wait(Fiber*& place, Clock::time_point deadline, const char* call) {
  if (place != nullptr) throw std::logic_error("another fiber is waiting for the same");
  // However park() ends, nobody waits here afterwards.
  struct Waiting {
    Fiber*& place;
    ~Waiting() { place = nullptr; }
  } waiting{place};
  place = &Runtime::of_this_fiber().running();
  if (!runtime_.park(deadline)) throw std::system_error(ETIMEDOUT, std::generic_category(), call);
}
