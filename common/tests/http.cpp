// The mini HTTP client: percent-encoding, the request writer, both parsers, and get() against
// servers that do as a script says.

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "http/client.hpp"
#include "http/percent.hpp"
#include "http/request.hpp"
#include "http/request_parser.hpp"
#include "http/response_parser.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

using namespace std::literals;

namespace {

// Everything that a parser says about its input, as one text, so that two runs can be compared.
std::string describe(const std::vector<http::Header>& headers) {
  std::string text;
  for (const http::Header& header : headers) text += "{" + header.name + "=" + header.value + "}";
  return text;
}
std::string describe(const http::Response& response) {
  return std::to_string(response.status) + "|" + response.reason + "|" +
         describe(response.headers) + "|" + response.body;
}
std::string describe(const http::Request& request) {
  return request.method + "|" + request.target + "|" + request.version + "|" +
         describe(request.headers) + (request.keep_alive ? "|keep-alive" : "|close");
}

using Pieces = std::vector<std::string_view>;

// Feeds the pieces and then closes the connection; as a client does that has one response to read.
std::string read_response(const Pieces& pieces, http::Limits limits, bool answers_head) {
  http::ResponseParser parser(limits);
  if (answers_head) parser.answers_head();
  std::size_t taken = 0;
  try {
    for (std::string_view piece : pieces) taken += parser.feed(piece);
    parser.finish();
    return describe(parser.response()) + "|took " + std::to_string(taken);
  } catch (const http::ParseError& error) {
    return "error: "s + error.what();
  }
}

// Feeds the pieces, as a server does that answers one request after the other.
std::string read_requests(const Pieces& pieces, http::Limits limits) {
  http::RequestParser parser(limits);
  std::string text;
  try {
    for (std::string_view piece : pieces) {
      while (!piece.empty()) {
        piece.remove_prefix(parser.feed(piece));
        if (parser.done()) text += describe(parser.take()) + "\n";
      }
    }
    return text + (parser.started() ? "unfinished" : "");
  } catch (const http::RequestError& error) {
    return text + "error " + std::to_string(error.status()) + ": " + error.what();
  }
}

// The result of `read` must not depend on where the bytes are split: tries them whole, in two
// pieces at every boundary, and one by one.
template <class Read>
std::string read_in_pieces(std::string_view bytes, Read read) {
  std::string whole = read(Pieces{bytes});
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    CAPTURE(at);
    CHECK(read(Pieces{bytes.substr(0, at), bytes.substr(at)}) == whole);
  }
  Pieces single;
  for (std::size_t at = 0; at != bytes.size(); ++at) single.push_back(bytes.substr(at, 1));
  CHECK(read(single) == whole);
  return whole;
}

std::string response(std::string_view bytes, http::Limits limits = {}, bool answers_head = false) {
  return read_in_pieces(
      bytes, [&](const Pieces& pieces) { return read_response(pieces, limits, answers_head); });
}
std::string requests(std::string_view bytes, http::Limits limits = {}) {
  return read_in_pieces(bytes, [&](const Pieces& pieces) { return read_requests(pieces, limits); });
}

struct Example {
  std::string_view bytes;
  std::string_view expected;
};

// Many cases are "this is an error, and its message names the reason".
void check_response_error(std::string_view bytes, std::string_view reason,
                          http::Limits limits = {}) {
  CAPTURE(bytes);
  std::string result = response(bytes, limits);
  CAPTURE(result);
  CHECK(result.starts_with("error: "));
  CHECK(result.find(reason) != std::string::npos);
}
void check_request_error(std::string_view bytes, int status, std::string_view reason,
                         http::Limits limits = {}) {
  CAPTURE(bytes);
  std::string result = requests(bytes, limits);
  CAPTURE(result);
  CHECK(result.starts_with("error " + std::to_string(status) + ": "));
  CHECK(result.find(reason) != std::string::npos);
}

}  // namespace

TEST_SUITE("percent-encoding") {
  TEST_CASE("decoding turns %XX into bytes and leaves the rest alone") {
    CHECK(http::percent_decode("hello") == "hello");
    CHECK(http::percent_decode("a%20b%2Fc%2fd") == "a b/c/d");
    CHECK(http::percent_decode("a+b") == "a+b");
    CHECK(http::percent_decode("gr%C3%BC%C3%9Fe") == "grüße");
    CHECK(http::percent_decode("%00x") == "\0x"s);
    CHECK(http::percent_decode("%2520") == "%20");
    CHECK(http::percent_decode("") == "");
  }

  TEST_CASE("decoding has no value for a % without two hexadecimal digits") {
    for (std::string_view text : {"%", "%4", "a%", "%4g", "%g4", "%%41", "% 41", "%+1", "%-1"}) {
      CAPTURE(text);
      CHECK_FALSE(http::percent_decode(text));
    }
  }

  TEST_CASE("decoding gives back any bytes that were encoded") {
    std::string all;
    for (int byte = 0; byte != 256; ++byte) all += static_cast<char>(byte);
    std::string encoded = http::percent_encode(all);
    CHECK(http::percent_decode(encoded) == all);
    CHECK(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-._~%") == std::string::npos);
    CHECK(http::percent_encode("a/b c~1") == "a%2Fb%20c~1");
  }
}

TEST_SUITE("the request writer") {
  TEST_CASE("a GET names path and host, and asks to close the connection") {
    CHECK(http::get_request("/1000/hello?fill=9", "localhost:8080") ==
          "GET /1000/hello?fill=9 HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n\r\n");
  }

  TEST_CASE("the request parser reads what the request writer writes") {
    CHECK(requests(http::get_request("/1/gr%C3%BC%C3%9Fe", "[::1]:8080")) ==
          "GET|/1/gr%C3%BC%C3%9Fe|HTTP/1.1|{Host=[::1]:8080}{Connection=close}|close\n");
  }

  TEST_CASE("a path or host that would split the request is refused") {
    for (std::string_view bad :
         {"a b"sv, "a\r\nX: y"sv, "a\nb"sv, "a\rb"sv, "a\tb"sv, "a\0b"sv, "a\x7f"sv, "\x1f"sv}) {
      CAPTURE(bad);
      CHECK_THROWS_AS((void)http::get_request("/" + std::string(bad), "h"), std::invalid_argument);
      CHECK_THROWS_AS((void)http::get_request("/", "h" + std::string(bad)), std::invalid_argument);
    }
    CHECK_THROWS_AS((void)http::get_request("", "h"), std::invalid_argument);
    CHECK_THROWS_AS((void)http::get_request("http://h/", "h"), std::invalid_argument);
    CHECK_THROWS_AS((void)http::get_request("/", ""), std::invalid_argument);
  }
}

TEST_SUITE("the response parser") {
  TEST_CASE("responses of every framing are read, however they are split") {
    struct Framed {
      std::string_view bytes, rest;  // the rest belongs to the next response
      std::string_view expected;
    };
    for (auto [bytes, rest, expected] : std::vector<Framed>{
             // By length.
             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "rest",
              "200|OK|{Content-Length=5}|hello"},
             {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 500 x\r\n\r\n",
              "200|OK|{content-length=0}|"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02,2\r\n\r\nhi", "",
              "200|OK|{Content-Length=2}{Content-Length=02,2}|hi"},
             // Until the server closes.
             {"HTTP/1.0 200 OK\r\n\r\nall there is\r\n\r\n", "", "200|OK||all there is\r\n\r\n"},
             {"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "", "200|OK|{A=b}|"},
             // In chunks, with extensions and trailers.
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "5\r\nhello\r\n0001;x=\"y\";z\r\n,\r\nA ; q\r\n 34567890!\r\n0\r\n\r\n",
              "rest", "200|OK|{Transfer-Encoding=chunked}|hello, 34567890!"},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0;a\r\nX: y\r\nZ: w\r\n\r\n",
              "\r\n", "200|OK|{Transfer-Encoding=Chunked}|"},
             // Without a body, whatever is announced.
             {"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "x",
              "204|No Content|{Content-Length=9}|"},
             {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "x",
              "304|Not Modified|{Transfer-Encoding=chunked}|"},
             // After interim responses, which have no body either.
             {"HTTP/1.1 100 Continue\r\n\r\n"
              "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nLink: x\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
              "", "200|OK|{Content-Length=1}|!"},
             // Reasons and values of all kinds; a bare LF ends a line of the head.
             {"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "", "404||{Content-Length=0}|"},
             {"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", "", "404||{Content-Length=0}|"},
             {"HTTP/1.1 999  x \xc3\xbc\nA:\t b\tc\xff \t\nB:\nContent-Length:0\n\n", "\n",
              "999| x \xc3\xbc|{A=b\tc\xff}{B=}{Content-Length=0}|"},
         }) {
      CAPTURE(bytes);
      CHECK(response(std::string(bytes) + std::string(rest)) ==
            std::string(expected) + "|took " + std::to_string(bytes.size()));
    }
  }

  TEST_CASE("the answer to a HEAD request has no body, whatever it announces") {
    CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nnext", {}, true) ==
          "200|OK|{Content-Length=999999999999}||took 49");
    CHECK(response("HTTP/1.1 200 OK\r\n\r\nnext", {}, true) == "200|OK|||took 19");
  }

  // RFC 9112, section 6.3: these end at the empty line "regardless of the header fields present".
  TEST_CASE("headers that would be wrong for a body are no error where none follows") {
    for (std::string_view headers :
         {"Transfer-Encoding: gzip"sv, "Transfer-Encoding: gzip, chunked"sv,
          "Transfer-Encoding: chunked\r\nContent-Length: 9"sv,
          "Content-Length: 1\r\nContent-Length: 2"sv, "Content-Length: many"sv,
          "Content-Length: 99999999999999999999"sv}) {
      CAPTURE(headers);
      std::string rest = std::string(headers) + "\r\n\r\nnext";
      for (std::string version : {"HTTP/1.0", "HTTP/1.1"}) {
        CHECK(response(version + " 204 x\r\n" + rest).starts_with("204|x|"));
        CHECK(response(version + " 304 x\r\n" + rest).starts_with("304|x|"));
        CHECK(response(version + " 200 x\r\n" + rest, {}, true).starts_with("200|x|"));
        CHECK(response(version + " 100 x\r\n" + rest + "\r\n\r\n")
                  .starts_with("error: this is not HTTP; it begins with \"next\""));
      }
    }
  }

  TEST_CASE("several responses on one connection are read one by one") {
    std::string_view bytes =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n"
        "HTTP/1.1 500 Oops\r\n\r\nfour";
    std::string result = read_in_pieces(bytes, [](const Pieces& pieces) {
      http::ResponseParser parser;
      std::string text;
      int number = 1;
      for (std::string_view piece : pieces) {
        while (!piece.empty()) {
          if (number == 2) parser.answers_head();
          piece.remove_prefix(parser.feed(piece));
          if (!parser.done()) continue;
          text += parser.take().body + ";";
          ++number;
        }
      }
      parser.finish();
      return text + parser.response().body;
    });
    CHECK(result == "one;;three;four");
  }

  TEST_CASE("a header is found by its name in upper or lower case, and the first one wins") {
    http::ResponseParser parser;
    parser.feed("HTTP/1.1 204 x\r\nX-One: 1\r\nx-one: 2\r\nEmpty:\r\n\r\n");
    CHECK(parser.response().header("x-ONE") == "1");
    CHECK(parser.response().header("EMPTY") == "");
    CHECK_FALSE(parser.response().header("X-On"));
    CHECK_FALSE(parser.response().header(""));
  }

  TEST_CASE("a response that is done takes nothing more, and finishing it again changes nothing") {
    http::ResponseParser parser;
    CHECK(parser.feed("HTTP/1.1 204 x\r\n\r\nmore") == 18);
    CHECK(parser.feed("more") == 0);
    parser.finish();
    CHECK(parser.response().status == 204);
  }

  TEST_CASE("a server that closes early is an error that says where") {
    check_response_error("", "without an answer");
    check_response_error("HTT", "in the middle of the headers");
    check_response_error("HTTP/1.1 200 OK\r\n", "in the middle of the headers");
    check_response_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "after 3 of 5 bytes");
    check_response_error("HTTP/1.1 100 Continue\r\n\r\n", "without an answer");
    std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char* part :
         {"", "5", "5\r\n", "5\r\nhello", "5\r\nhello\r\n", "0\r\n", "0\r\nA: b\r\n"})
      check_response_error(chunked + part, "in the middle of the body");
  }

  TEST_CASE("what is not a response is an error that shows its beginning") {
    check_response_error("SSH-2.0-OpenSSH_9.2\r\n", "this is not HTTP; it begins with \"SSH-2.0");
    check_response_error("\r\nHTTP/1.1 200 OK\r\n\r\n", "this is not HTTP");
    check_response_error("HTTP/2.0 200 OK\r\n\r\n", "HTTP/2.0 is not spoken here");
    check_response_error("HTTP/1.1 101 Switching Protocols\r\n\r\n", "switches");
    for (const char* line :
         {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/1.1 200OK",
          "HTTP/1.1  200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 099 OK", "HTTP/1.1 -20 OK",
          "HTTP/1.1 200 \x01", "HTTP/1.1 200 a\rb", "HTTP/11 200 OK", "HTTP/1.x 200 OK",
          "HTTP/1.1x 200 OK", "HTTP/ 200 OK"})
      check_response_error(std::string(line) + "\r\n\r\n", "\"HTTP/");
  }

  TEST_CASE("malformed headers are errors") {
    auto check = [](const std::string& lines, std::string_view reason) {
      check_response_error("HTTP/1.1 200 OK\r\n" + lines + "\r\n\r\n", reason);
    };
    check("no colon", "has no colon");
    check(": value", "not the name of a header");
    check("two words: x", "not the name of a header");
    check("Blank : x", "not the name of a header");
    check("\x80: x", "not the name of a header");
    check("A: b\r\n folded", "folded");
    check(" leading: x", "folded");
    check("A: b\rc", "control character");
    check("A: b\x01", "control character");
    check("A: "s + '\0', "control character");
    check("A: b\r", "control character");
  }

  TEST_CASE("a length that is no number, or that another header contradicts, is an error") {
    auto check = [](const std::string& lines, std::string_view reason) {
      check_response_error("HTTP/1.1 200 OK\r\n" + lines + "\r\n\r\n", reason);
    };
    for (const char* length : {"", "+1", "-1", "1 1", "0x1", "1.0", "1,", ",1", "one"})
      check("Content-Length: "s + length, "is not a number");
    check("Content-Length: 1\r\nContent-Length: 2", "two different");
    check("Content-Length: 1, 2", "two different");
    check("Content-Length: 1\r\nTransfer-Encoding: chunked", "both");
    check("Transfer-Encoding: chunked\r\nContent-Length: 1", "both");
    check("Transfer-Encoding: gzip", "not chunked");
    check("Transfer-Encoding: chunked, gzip", "not chunked");
    check("Transfer-Encoding:", "not chunked");
    check("Transfer-Encoding: gzip, chunked", "only Transfer-Encoding");
    check("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "only Transfer-Encoding");
    check_response_error("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 knows");
  }

  TEST_CASE("numbers that overflow are refused, and nothing is allocated that is only announced") {
    http::Limits no_limits{.body_bytes = std::numeric_limits<std::size_t>::max()};
    std::string length = "HTTP/1.1 200 OK\r\nContent-Length: ";
    check_response_error(length + "18446744073709551616\r\n\r\n", "too large", no_limits);
    check_response_error(length + "99999999999999999999999\r\n\r\n", "too large", no_limits);
    check_response_error(length + "18446744073709551615\r\n\r\nx",
                         "after 1 of 18446744073709551615 bytes", no_limits);

    std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_response_error(chunked + "10000000000000000\r\n", "too large", no_limits);
    check_response_error(chunked + "00000000000000001\r\nx\r\n", "too large", no_limits);
    check_response_error(chunked + "ffffffffffffffff\r\nx", "after 1 bytes", no_limits);
    // The sum of two chunks overflows where each of them does not.
    check_response_error(chunked + "1\r\nx\r\nffffffffffffffff\r\n", "too large", no_limits);
  }

  TEST_CASE("malformed chunks are errors") {
    auto check = [](const std::string& body, std::string_view reason) {
      check_response_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, reason);
    };
    for (const char* line : {"\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n",
                             "1 2\r\n", "1;a\x01\r\n", "1;a\rb\r\n", "1\n", "1\r\r\n", "\n"})
      check(line, "does not say the size");
    check("1\r\nxy\r\n", "does not end");
    check("1\r\nx\n0\r\n\r\n", "does not end");
    check("1\r\nx\r\r\n", "does not end");
    check("0\r\nno colon\r\n\r\n", "has no colon");
  }

  TEST_CASE("what just fits a limit is taken, and one more byte or header is refused") {
    http::Limits limits{.first_line = 17, .header_bytes = 40, .header_count = 2, .body_bytes = 5};
    // Exactly at every limit: the lines with their ends, and the empty line.
    CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nAbcd: 34567890\r\n\r\nhello",
                   http::Limits{17, 37, 2, 5}) ==
          "200|OK|{Content-Length=5}{Abcd=34567890}|hello|took 59");
    check_response_error("HTTP/1.1 200 OKs\r\n\r\n", "first line is too long: at most 17 bytes",
                         limits);
    check_response_error("HTTP/1.1 200 OK, but goes on without an end", "first line", limits);
    check_response_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nAbcd: 34567890\r\n\r\nhello",
                         "headers are too large: at most 36 bytes", http::Limits{17, 36, 2, 5});
    check_response_error("HTTP/1.1 200 OK\r\nA: 34567890123456789012345678901234567890",
                         "headers are too large", limits);
    check_response_error("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", "too many headers",
                         limits);
    check_response_error("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
                         "body is too large: at most 5 bytes", limits);
    CHECK(response("HTTP/1.1 200 OK\r\n\r\nhello", limits) == "200|OK||hello|took 24");
    check_response_error("HTTP/1.1 200 OK\r\n\r\nhello!", "body is too large", limits);
  }

  TEST_CASE("chunks cannot get around the limits") {
    http::Limits limits{.first_line = 17, .header_bytes = 36, .header_count = 2, .body_bytes = 5};
    std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";  // 30 of the 36
    CHECK(response(chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", limits).find("|hello|") !=
          std::string::npos);
    check_response_error(chunked + "2\r\nhe\r\n4\r\n", "body is too large", limits);
    check_response_error(chunked + "1;ab\r\nx\r\n1;cde\r\n", "headers are too large", limits);
    check_response_error(chunked + "1;" + std::string(40, 'e'), "size is too long", limits);
    check_response_error(chunked + std::string(40, '0'), "size is too long", limits);
    check_response_error(chunked + "0\r\nA: b\r\n\r\n", "headers are too large", limits);
    limits.header_bytes = 100;
    check_response_error(chunked + "0\r\nA: b\r\nC: d\r\n\r\n", "too many headers", limits);
  }

  TEST_CASE("interim responses do not come without end") {
    std::string interim = "HTTP/1.1 100 x\r\nA: b\r\n\r\n", many;
    for (int i = 0; i != 3; ++i) many += interim;
    CHECK(response(many + "HTTP/1.1 204 x\r\n\r\n", {.header_count = 3}).starts_with("204"));
    check_response_error(many + "HTTP/1.1 204 x\r\nA: b\r\n\r\n", "too many", {.header_count = 3});
    check_response_error(many + "HTTP/1.1 204 x\r\n\r\n", "too large", {.header_bytes = 24});
  }

  // Each was within the limit of a first line, and 32,768 of them within that of all headers.
  TEST_CASE("the first lines of interim responses count as headers do") {
    std::string interim = "HTTP/1.1 100 " + std::string(25, 'x') + "\r\n\r\n";  // 42 bytes
    std::string last = "HTTP/1.1 204 x\r\n\r\n";  // whose first line does not count
    http::Limits limits{.header_bytes = 2 * 42 + 2};
    CHECK(response(interim + interim + last, limits).starts_with("204"));
    limits.header_bytes -= 1;
    check_response_error(interim + interim + last, "headers are too large: at most 85 bytes",
                         limits);
    check_response_error(interim + interim + interim + last, "headers are too large", limits);
  }

  TEST_CASE("after an error every call throws the same error again") {
    http::ResponseParser parser;
    CHECK_THROWS_WITH_AS(parser.feed("HTTP/1.1 200 OK\r\nbad\r\n"),
                         "the header line \"bad\" has no colon", http::ParseError);
    CHECK_THROWS_WITH_AS(parser.feed("A: b\r\n\r\n"), "the header line \"bad\" has no colon",
                         http::ParseError);
    CHECK_THROWS_WITH_AS(parser.finish(), "the header line \"bad\" has no colon", http::ParseError);
    CHECK_FALSE(parser.done());
  }

  TEST_CASE("error messages show nothing unprintable") {
    std::string result = response("HTTP/1.1 200 OK\r\n\x1b[2J\xff bad \x7f\r\n\r\n");
    CHECK(result.find("\"?[2J? bad ?\"") != std::string::npos);
  }

  // A parser that looks again at what it has seen needs minutes for this: the suite's time limit
  // is what fails.
  TEST_CASE("the work is linear in the bytes even where they come one by one") {
    constexpr std::size_t size = 2 * 1024 * 1024;
    http::Limits limits{.header_bytes = 2 * size, .body_bytes = 2 * size};
    std::string bytes =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nLong: " + std::string(size, 'x') +
        "\r\n\r\n100000\r\n" + std::string(0x100000, 'y') + "\r\n0;" + std::string(size / 2, 'z') +
        "\r\n\r\n";
    http::ResponseParser parser(limits);
    for (char byte : bytes) parser.feed({&byte, 1});
    REQUIRE(parser.done());
    CHECK(parser.response().headers.at(1).value.size() == size);
    CHECK(parser.response().body == std::string(0x100000, 'y'));
  }
}

TEST_SUITE("the request parser") {
  TEST_CASE("requests are read, however they are split") {
    for (auto [bytes, expected] : std::vector<Example>{
             {"GET /1000/hello HTTP/1.1\r\nHost: h\r\n\r\n",
              "GET|/1000/hello|HTTP/1.1|{Host=h}|keep-alive\n"},
             {"BREW /pot?a=b%20c&d HTTP/1.1\r\nhost:\r\n\r\n",
              "BREW|/pot?a=b%20c&d|HTTP/1.1|{host=}|keep-alive\n"},
             // As people type it, and as programs do that leave the UTF-8 in.
             {"GET /gr\xc3\xbc\xc3\x9f"
              "e HTTP/1.0\n\n",
              "GET|/gr\xc3\xbc\xc3\x9f"
              "e|HTTP/1.0||close\n"},
             {"\r\n\n\r\nGET / HTTP/1.1\nHost: h\n\n", "GET|/|HTTP/1.1|{Host=h}|keep-alive\n"},
             // A version that does not exist yet is HTTP/1.1 for us.
             {"GET / HTTP/1.7\r\nHost: h\r\n\r\n", "GET|/|HTTP/1.1|{Host=h}|keep-alive\n"},
             // Other forms of the target.
             {"GET http://h:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
              "GET|/a?b|HTTP/1.1|{Host=h}|keep-alive\n"},
             {"GET HTTPS://h HTTP/1.0\r\n\r\n", "GET|/|HTTP/1.0||close\n"},
             {"GET http://h?b=/ HTTP/1.0\r\n\r\n", "GET|/?b=/|HTTP/1.0||close\n"},
             {"OPTIONS * HTTP/1.0\r\n\r\n", "OPTIONS|*|HTTP/1.0||close\n"},
             {"CONNECT h:443 HTTP/1.0\r\n\r\n", "CONNECT|h:443|HTTP/1.0||close\n"},
             // Nothing has arrived yet, or not all.
             {"", ""},
             {"\r\n\r\n", ""},
             {"\r\n\r", ""},
             {"G", "unfinished"},
             {"GET / HTTP/1.0\r\n", "unfinished"},
             {"GET / HTTP/1.0\r\nContent-Length: 2\r\n\r\nx", "unfinished"},
         }) {
      CAPTURE(bytes);
      CHECK(requests(bytes) == expected);
    }
  }

  TEST_CASE("pipelined requests are read one by one, and their bodies are dropped") {
    CHECK(requests("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /"
                   "\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "6;x\r\nGET / \r\n0\r\nTrailer: t\r\n\r\n"
                   "GET /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
                   "HEAD /4 HTTP/1.1\r\nHost: h\r\n\r\nGET") ==
          "POST|/1|HTTP/1.1|{Host=h}{Content-Length=5}|keep-alive\n"
          "POST|/2|HTTP/1.1|{Host=h}{Transfer-Encoding=chunked}|keep-alive\n"
          "GET|/3|HTTP/1.1|{Host=h}{Content-Length=0}|keep-alive\n"
          "HEAD|/4|HTTP/1.1|{Host=h}|keep-alive\n"
          "unfinished");
  }

  TEST_CASE("version and Connection header decide whether the connection stays open") {
    auto keep_alive = [](const std::string& version, const std::string& connection) {
      http::RequestParser parser;
      parser.feed("GET / HTTP/" + version + "\r\nHost: h\r\n" + connection + "\r\n");
      REQUIRE(parser.done());
      return parser.take().keep_alive;
    };
    CHECK(keep_alive("1.1", ""));
    CHECK(keep_alive("1.1", "Connection: keep-alive\r\n"));
    CHECK(keep_alive("1.1", "Connection: closed\r\n"));
    CHECK_FALSE(keep_alive("1.1", "Connection: close\r\n"));
    CHECK_FALSE(keep_alive("1.1", "connection: TE ,\tCLOSE\r\n"));
    CHECK_FALSE(keep_alive("1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
    CHECK_FALSE(keep_alive("1.0", ""));
    CHECK(keep_alive("1.0", "Connection: Keep-Alive\r\n"));
    CHECK(keep_alive("1.0", "Connection: x\r\nConnection: ,keep-alive,\r\n"));
    CHECK_FALSE(keep_alive("1.0", "Connection: keep-alive, close\r\n"));
  }

  TEST_CASE("the parser says when a request has begun, and takes nothing more once it is done") {
    http::RequestParser parser;
    CHECK_FALSE(parser.started());
    CHECK(parser.feed("\r\n\r") == 3);
    CHECK_FALSE(parser.started());
    CHECK(parser.feed("\nG") == 2);
    CHECK(parser.started());
    CHECK(parser.feed("ET / HTTP/1.0\r\n\r\nGET") == 17);
    CHECK(parser.started());
    REQUIRE(parser.done());
    CHECK(parser.feed("GET") == 0);
    CHECK(parser.take().target == "/");
    CHECK_FALSE(parser.done());
    CHECK_FALSE(parser.started());
  }

  TEST_CASE("malformed request lines are answered with 400") {
    for (const char* line : {"GET",
                             "GET /",
                             "GET / ",
                             "GET  HTTP/1.1",
                             "GET / HTTP/1.1 ",
                             " GET / HTTP/1.1",
                             "GET  / HTTP/1.1",
                             "GET /a b HTTP/1.1",
                             "GET\t/ HTTP/1.1",
                             "G(T / HTTP/1.1",
                             "GET /\t HTTP/1.1",
                             "GET /\x01 HTTP/1.1",
                             "GET /\x7f HTTP/1.1",
                             "GET /\r HTTP/1.1",
                             "GET / http/1.1",
                             "GET / HTTP/1",
                             "GET / HTTP/1.10",
                             "GET / HTTP/1.1\r",
                             "GET / XTTP/1.1",
                             "\x16\x03\x01",
                             "GET * HTTP/1.1",
                             "GET hello HTTP/1.1",
                             "GET http:// HTTP/1.1",
                             "GET http:///a HTTP/1.1",
                             "GET ://h/ HTTP/1.1",
                             "GET h:80 HTTP/1.1",
                             "CONNECT  HTTP/1.1",
                             "GET /",
                             "\x80 / HTTP/1.1"})
      check_request_error(std::string(line) + "\r\nHost: h\r\n\r\n", 400, "\"");
    check_request_error("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400, "control character");
    std::string nothing;
    for (int i = 0; i != 9; ++i) nothing += "\r\n";
    check_request_error(nothing, 400, "the request line \"\"");
  }

  TEST_CASE("other versions of HTTP are answered with 505") {
    check_request_error("GET / HTTP/2.0\r\n\r\n", 505, "HTTP/2.0 is not spoken here");
    check_request_error("GET / HTTP/0.9\r\n\r\n", 505, "HTTP/0.9 is not spoken here");
    check_request_error("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2.0");
  }

  TEST_CASE("HTTP/1.1 needs exactly one Host header") {
    check_request_error("GET / HTTP/1.1\r\n\r\n", 400, "need a Host");
    check_request_error("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400, "more than one Host");
    check_request_error("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "more than one Host");
  }

  TEST_CASE("malformed headers are answered with 400") {
    auto check = [](const std::string& lines, std::string_view reason) {
      check_request_error("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n\r\n", 400, reason);
    };
    check("no colon", "has no colon");
    check("A : b", "not the name of a header");
    check("A: b\r\n\tfolded", "folded");
    check("A: b\rc", "control character");
  }

  TEST_CASE("a body whose end two programs could see in different places is refused") {
    auto check = [](const std::string& lines, int status, std::string_view reason) {
      check_request_error("POST / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n\r\n", status, reason);
    };
    check("Content-Length: 1\r\nTransfer-Encoding: chunked", 400, "both");
    check("Transfer-Encoding: chunked\r\nContent-Length: 0", 400, "both");
    check("Content-Length: 1\r\nContent-Length: 2", 400, "two different");
    check("Content-Length: +1", 400, "not a number");
    check("Transfer-Encoding: xchunked", 400, "not chunked");
    check("Transfer-Encoding: chunked, identity", 400, "not chunked");
    check("Transfer-Encoding: gzip, chunked", 501, "only Transfer-Encoding");
    check("Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n", 400, "size of a chunk");
    check_request_error("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0");
  }

  TEST_CASE("what is too large is answered with 413, 414 or 431") {
    http::Limits limits{.first_line = 17, .header_bytes = 40, .header_count = 2, .body_bytes = 5};
    CHECK(requests("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", limits)
              .starts_with("GET"));
    check_request_error("GET /aa HTTP/1.1\r\nHost: h\r\n\r\n", 414, "too long", limits);
    check_request_error("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaa", 414, "too long", limits);
    check_request_error("GET / HTTP/1.1\r\nHost: 7890123456789012345678901234567890\r\n\r\n", 431,
                        "too large", limits);
    check_request_error("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n", 431, "too many",
                        limits);
    check_request_error("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n", 413, "body",
                        limits);
    limits.header_bytes = 100;
    check_request_error("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
                        413, "too large", limits);
    check_request_error(
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n3\r\n",
        413, "body is too large", limits);
  }

  TEST_CASE("the limits hold for each request of a connection anew") {
    std::string one = "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", many, expected;
    for (int i = 0; i != 5; ++i) {
      many += "\r\n\r\n" + one;
      expected += "GET|/|HTTP/1.1|{Host=h}{Content-Length=5}|keep-alive\n";
    }
    CHECK(requests(many, http::Limits{16, 31, 2, 5}) == expected);
  }

  TEST_CASE("after an error every call throws the same error again") {
    http::RequestParser parser;
    for (int i = 0; i != 2; ++i) {
      try {
        parser.feed("GET / HTTP/3.0\r\n\r\n");
        FAIL("this should have thrown");
      } catch (const http::RequestError& error) {
        CHECK(error.status() == 505);
      }
    }
    CHECK_FALSE(parser.done());
  }
}

namespace {

// A server that reads a request, then does what the script says.
class Server {
 public:
  using Script = std::function<void(net::TcpStream&)>;
  explicit Server(Script script, const char* address = "127.0.0.1:0")
      : peer_(
            [this, script = std::move(script)](net::TcpStream stream) {
              request_ = testing::read_request(stream);
              if (!request_.empty()) script(stream);
            },
            net::Address::parse(address)) {}
  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://" + peer_.address().to_string() + path;
  }
  // What it was asked. Only after get() has returned with the answer.
  [[nodiscard]] const std::string& request() const { return request_; }

 private:
  std::string request_;
  testing::Peer peer_;
};

Server::Script send(std::string bytes) {
  return [bytes = std::move(bytes)](net::TcpStream& stream) { stream.write_all(bytes); };
}

void wait_until_client_closes(net::TcpStream& stream) {
  std::array<char, 100> buffer;
  while (stream.read(buffer) != std::size_t{0}) {
  }
}

void reset(net::TcpStream& stream) {
  linger now{1, 0};
  ::setsockopt(stream.fd().get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

constexpr auto long_time = std::chrono::milliseconds(testing::patience);

// The error code of get(), or 0.
int get_error(const std::string& url, std::chrono::milliseconds timeout = long_time) {
  try {
    (void)http::get(url, timeout);
    return 0;
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).starts_with("get " + url));
    return error.code().value();
  }
}

}  // namespace

TEST_SUITE("get") {
  TEST_CASE("the response is returned whatever its status, and the request is as it should be") {
    Server server(send("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"));
    http::Response response = http::get(server.url("/a?b#fragment"), long_time);
    CHECK(describe(response) == "404|Not Found|{Content-Length=5}|hello");
    std::string host = server.url("").substr(7);
    CHECK(server.request() ==
          "GET /a?b HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
  }

  TEST_CASE("a complete response is enough: nobody waits for the server to close") {
    Server server([](net::TcpStream& stream) {
      stream.write_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
      wait_until_client_closes(stream);
    });
    CHECK(http::get(server.url("/"), long_time).body == "hi");
  }

  TEST_CASE("a URL without a path asks for the root, with its query") {
    Server plain(send("HTTP/1.1 204 x\r\n\r\n")), query(send("HTTP/1.1 204 x\r\n\r\n"));
    (void)http::get(plain.url(""), long_time);
    CHECK(plain.request().starts_with("GET / HTTP"));
    (void)http::get(query.url("?a=/b"), long_time);
    CHECK(query.request().starts_with("GET /?a=/b HTTP"));
  }

  TEST_CASE("IPv6 and names are hosts too") {
    std::optional<Server> server;
    try {
      server.emplace(send("HTTP/1.0 200 OK\r\n\r\nsix"), "[::1]:0");
    } catch (const std::system_error&) {
      MESSAGE("skipped: this machine has no IPv6");
    }
    if (server) CHECK(http::get(server->url("/"), long_time).body == "six");

    // What "localhost" means differs between machines, so the server asks the same resolver.
    Server named(send("HTTP/1.0 200 OK\r\n\r\nname"), "localhost:0");
    std::string port = named.url("").substr(named.url("").rfind(':'));
    CHECK(http::get("HTTP://localhost" + port, long_time).body == "name");
    CHECK(named.request().find("\r\nHost: localhost" + port + "\r\n") != std::string::npos);
  }

  TEST_CASE("a large body arrives whole") {
    std::string body(3'000'000, 'x');
    Server server(send("HTTP/1.0 200 OK\r\n\r\n" + body));
    CHECK(http::get(server.url("/"), long_time).body == body);
  }

  TEST_CASE("URLs that cannot be fetched are refused with a reason, before anybody is asked") {
    for (auto [url, reason] : std::vector<Example>{
             {"https://localhost/", "does not begin with http://"},
             {"localhost:8080/", "does not begin with http://"},
             {"", "does not begin with http://"},
             {"http://", "names no host"},
             {"http:///path", "names no host"},
             {"http://user@host/", "a user in the URL"},
             {"http://127.0.0.1:port/", "the port must be a number"},
             {"http://127.0.0.1:/", "the port must be a number"},
             {"http://127.0.0.1:65536/", "the port must be a number"},
             {"http://::1:80/", "needs brackets"},
             {"http://127.0.0.1:1/a b", "holds a space or a control character"},
             {"http://127.0.0.1:1/a\r\nX: y", "holds a space or a control character"},
             {"http://a\r\nX: y/", "holds a space or a control character"},
             {"http://no-such-host.invalid/", "cannot find the host"},
         }) {
      CAPTURE(url);
      std::string message;
      try {
        (void)http::get(std::string(url), long_time);
      } catch (const std::invalid_argument& error) {
        message = error.what();
      }
      CAPTURE(message);
      CHECK(message.find(reason) != std::string::npos);
    }
  }

  TEST_CASE("the port is 80 where the URL has none, also behind an IPv6 address") {
    for (const char* url : {"http://127.0.0.1/", "http://[::1]", "http://[::1]?a:b"}) {
      CAPTURE(url);
      testing::Faults faults("socket:1:EIO");  // the URL was fine, and nobody is bothered
      CHECK(get_error(url) == EIO);
    }
  }

  TEST_CASE("a refused connection is an error") {
    std::size_t before = testing::open_descriptors();
    CHECK(get_error("http://" + testing::nobody().to_string() + "/") == ECONNREFUSED);
    CHECK(testing::open_descriptors() == before);
  }

  TEST_CASE(
      "a server that closes early, or speaks something else, is an error that names the URL") {
    std::size_t before = testing::open_descriptors();
    for (auto [bytes, reason] : std::vector<Example>{
             {"", "without an answer"},
             {"HTTP/1.1 200 OK\r\nContent-Len", "in the middle of the headers"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "after 5 of 9 bytes"},
             {"220 mail.example.org\r\n", "this is not HTTP"}}) {
      CAPTURE(bytes);
      Server server(send(std::string(bytes)));
      std::string message;
      try {
        (void)http::get(server.url("/"), long_time);
      } catch (const http::ParseError& error) {
        message = error.what();
      }
      CAPTURE(message);
      CHECK(message.starts_with("get " + server.url("/") + ": "));
      CHECK(message.find(reason) != std::string::npos);
    }
    CHECK(testing::open_descriptors() == before);
  }

  TEST_CASE("a reset connection is an error, even where the body would end with the connection") {
    Server server([](net::TcpStream& stream) {
      stream.write_all("HTTP/1.0 200 OK\r\n\r\nhalf of it");
      reset(stream);
    });
    CHECK(get_error(server.url("/")) == ECONNRESET);
  }

  // libevent's issue 1143: a descriptor leaks on the timeout path. The peers end only once the
  // client has closed its end.
  TEST_CASE("a server that stalls, anywhere, ends in a timeout that leaks no descriptor") {
    std::size_t before = testing::open_descriptors();
    for (const char* bytes :
         {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"}) {
      CAPTURE(bytes);
      Server server([bytes](net::TcpStream& stream) {
        stream.write_all(bytes);
        wait_until_client_closes(stream);
      });
      CHECK(get_error(server.url("/"), 30ms) == ETIMEDOUT);
    }
    CHECK(testing::open_descriptors() == before);
  }

  // A timeout for every single read would end in another error here, after a minute.
  TEST_CASE("the timeout is for everything together: a server that drips does not prolong it") {
    Server server([](net::TcpStream& stream) {
      stream.write_all("HTTP/1.1 200 OK\r\nDrip: ");
      for (;;) {
        stream.write_all("x");
        std::this_thread::sleep_for(1ms);
      }
    });
    CHECK(get_error(server.url("/"), 50ms) == ETIMEDOUT);
  }

  TEST_CASE("a timeout of nothing, or less, is over at once; one without end is accepted") {
    Server server(send("HTTP/1.1 204 x\r\n\r\n"));
    CHECK(get_error(server.url("/"), 0ms) == ETIMEDOUT);
    CHECK(get_error(server.url("/"), -1ms) == ETIMEDOUT);
    Server other(send("HTTP/1.1 204 x\r\n\r\n"));
    CHECK(http::get(other.url("/"), std::chrono::milliseconds::max()).status == 204);
  }

  TEST_CASE("connecting is part of the timeout") {
    std::size_t before = testing::open_descriptors();
    {
      // A listener whose queue is full does not answer those who knock.
      net::Address any = net::Address::parse("127.0.0.1:0");
      net::Fd listener =
          net::Fd::checked(::socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      REQUIRE(::bind(listener.get(), any.data(), any.size()) == 0);
      REQUIRE(::listen(listener.get(), 0) == 0);
      net::Address address = net::Address::local(listener.get());
      std::vector<net::Fd> queue;
      for (int i = 0; i != 4; ++i) {
        queue.push_back(net::Fd::checked(
            ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
        (void)::connect(queue.back().get(), address.data(), address.size());
      }
      CHECK(get_error("http://" + address.to_string() + "/", 30ms) == ETIMEDOUT);
    }
    CHECK(testing::open_descriptors() == before);
  }

  TEST_CASE("interrupted calls and short counts change nothing") {
    for (const char* plan : {"poll:every:EINTR send:every:EINTR read:every:EINTR",
                             "read:short send:short", "read:every:EAGAIN send:every:EAGAIN"}) {
      CAPTURE(plan);
      Server server(send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
      testing::Faults faults(plan);
      CHECK(http::get(server.url("/"), long_time).body == "hello");
    }
  }

  TEST_CASE("whichever call fails, the error is reported and no descriptor leaks") {
    for (std::string call :
         {"socket:1", "connect:1", "poll:1", "poll:2", "send:1", "read:1", "read:2"}) {
      CAPTURE(call);
      std::size_t before = testing::open_descriptors();
      {
        Server server(send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
        testing::Faults faults(call == "read:2" ? "read:short read:2:EIO" : call + ":EIO");
        CHECK(get_error(server.url("/")) == EIO);
      }
      CHECK(testing::open_descriptors() == before);
    }
  }
}
