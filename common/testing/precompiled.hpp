#pragma once
// What suites and shape.cpp files include, for the workbench to precompile: it builds a suite for
// each save of the reader's and for each known mistake, and most of its time went into reading
// these. No file includes this one. Everything else compiles without it, so that no include can be
// missing.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "narrate/narrate.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"
#include "net/tcp_listener.hpp"
#include "net/tcp_stream.hpp"
#include "testing/delayserver.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/shape.hpp"
#include "testing/stage_program.hpp"
