#pragma once
// Makes a class of a coroutine: the state machine that somebody would write by hand.

#include <string>
#include <string_view>

#include "names.hpp"
#include "options.hpp"
#include "reader.hpp"
#include "syntax.hpp"

// The coroutine as a comment, its class, and the function that makes an object of it, without the
// line end behind it. The class is called `class_name`. Throws Refusal.
[[nodiscard]] std::string lower(std::string_view source, const Reader& reader, Coroutine& coroutine,
                                const std::string& class_name, const Options& options);
