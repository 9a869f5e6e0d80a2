#pragma once
// WriteFile(), from kernel32.

#include <windows.h>

#include <cstddef>
#include <string_view>
#include <system_error>

// Writes everything, however often it has to be asked. What goes wrong is thrown as
// std::system_error.
inline void write_all(HANDLE file, std::string_view bytes) {
  constexpr std::size_t most = 1 << 30;  // WriteFile() counts in 32 bits
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, most);
    DWORD count = 0;
    if (!::WriteFile(file, part.data(), static_cast<DWORD>(part.size()), &count, nullptr))
      throw std::system_error(static_cast<int>(::GetLastError()), std::system_category(),
                              "WriteFile");
    if (count == 0)  // nothing, and no reason: asking again could go on for ever
      throw std::system_error(ERROR_WRITE_FAULT, std::system_category(), "WriteFile");
    bytes.remove_prefix(count);  // it may have been only a part
  }
}
