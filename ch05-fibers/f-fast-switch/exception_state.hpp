#pragma once
// What the C++ runtime library remembers about exceptions, for each thread: which ones are being
// handled (catch blocks that have not ended), and how many are on their way. It knows nothing of
// fibers. One that yields inside a catch block would leave its exception to whoever runs next.

#include <cxxabi.h>

#include <cstring>

class ExceptionState {
 public:
  // Keeps what the thread has at present in `from`, and gives it what was kept in `to`.
  static void exchange(ExceptionState& from, const ExceptionState& to) {
    void* of_thread = abi::__cxa_get_globals();
    std::memcpy(&from, of_thread, sizeof from);
    std::memcpy(of_thread, &to, sizeof to);
  }

 private:
  // __cxa_eh_globals in the Itanium C++ ABI (section 2.2.2), which all our compilers follow
  [[maybe_unused]] void* caught_ = nullptr;
  [[maybe_unused]] unsigned uncaught_ = 0;
};
