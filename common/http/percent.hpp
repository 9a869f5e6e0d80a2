#pragma once
// Percent-encoding: how a URL carries bytes that would mean something else in it.

#include <optional>
#include <string>
#include <string_view>

namespace http {

// "a%20b" becomes "a b". No value where a % is not followed by two hexadecimal digits. A plus sign
// stays one, and the result may hold any byte, zero included.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

// Letters, digits and -._~ stay as they are, everything else is encoded, slashes too: the result
// is one segment of a path. percent_decode() takes it back.
[[nodiscard]] std::string percent_encode(std::string_view bytes);

}  // namespace http
