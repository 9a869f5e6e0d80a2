// What the suite of ch07/a needs from your headers.

#include "testing/shape.hpp"

#include <chrono>
#include <concepts>
#include <string>

#include "future.hpp"
#include "http.hpp"
#include "two_requests.hpp"

using testing::a;
using Milliseconds = std::chrono::milliseconds;
using Text = std::string;

static_assert(std::derived_from<HttpGet, Future<Text>>, "an HttpGet is a Future<std::string>");
static_assert(std::derived_from<TwoRequests, Future<Text>>,
              "a TwoRequests is a Future<std::string>");
static_assert(std::move_constructible<HttpGet>, "an HttpGet can be moved");
static_assert(std::move_constructible<TwoRequests>, "a TwoRequests can be moved");
NEEDS(HttpGet, it.poll(), PollState<Text>, "HttpGet needs: PollState<std::string> poll()");
NEEDS(TwoRequests, it.poll(), PollState<Text>, "TwoRequests needs: PollState<std::string> poll()");
NEEDS(net::Address, get(it, a<Text>(), Milliseconds()), HttpGet,
      "http.hpp needs: HttpGet get(net::Address server, std::string name, "
      "std::chrono::milliseconds delay)");
NEEDS(net::Address, two_requests(it, Milliseconds()), TwoRequests,
      "two_requests.hpp needs: TwoRequests two_requests(net::Address server, "
      "std::chrono::milliseconds unit)");
