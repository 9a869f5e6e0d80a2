#include "delayserver/answer.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "http/percent.hpp"

namespace delay {
namespace {

using std::chrono::milliseconds;

// A longer body is made while it is sent, piece by piece: a waiting or a slow client costs no more
// memory for asking for more.
constexpr std::size_t piece_size = 64 * 1024;

constexpr std::string_view garbage = "\x16\x03\xff\xfe this is no HTTP \x80\x00\r\n\r\n\xff";

static_assert(max_delay == milliseconds(600'000) && max_message == 4096 && max_fill == 16777216 &&
                  max_chunk == 65536,
              "the texts below name these limits");

constexpr const char* manual =
    "The delayserver answers as late as you ask.\n"
    "\n"
    "  GET /{ms}/{message}   the message, after so many milliseconds (0 to 600000)\n"
    "      ?fill=N           the message over and over, N bytes in all (0 to 16777216)\n"
    "      ?chunk=N          in chunks of N bytes (1 to 65536) ...\n"
    "      &gap=MS           ... so many milliseconds apart\n"
    "      ?fault=reset      after the delay: the connection is reset\n"
    "      ?fault=truncate   half of the body, and the connection ends\n"
    "      ?fault=garbage    bytes that are no HTTP\n"
    "      ?fault=stall      nothing, until you leave (or the server stops)\n"
    "  GET /stats            what the server has seen so far, as JSON\n"
    "  GET /                 this page\n"
    "\n"
    "Whoever closes the sending side of a connection (such as nc -N) has left and gets no "
    "answer.\n";

constexpr const char* query_manual =
    "the query may have fill=N (0 to 16777216), chunk=N (1 to 65536), gap=MS (0 to 600000, with "
    "chunk) and fault=reset|truncate|garbage|stall, each at most once";

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

Answer page(int status, std::string text, const char* type = Answer{}.type) {
  Answer answer;
  answer.status = status;
  answer.text = std::move(text);
  answer.size = answer.text.size();
  answer.type = type;
  return answer;
}

std::string to_json(const Stats& stats) {
  return "{\"served\": " + std::to_string(stats.served) +
         ", \"in_flight\": " + std::to_string(stats.in_flight) +
         ", \"peak_in_flight\": " + std::to_string(stats.peak_in_flight) +
         ", \"errors\": " + std::to_string(stats.errors) +
         ", \"connections\": " + std::to_string(stats.connections) + "}\n";
}

// A decimal number and nothing else, in that range; otherwise throws a 400 that says `why`.
std::size_t number(std::string_view text, std::size_t least, std::size_t most, const char* why) {
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    throw http::RequestError(400, why);
  return value;
}

milliseconds duration(std::string_view text, const char* why) {
  return milliseconds(number(text, 0, static_cast<std::size_t>(max_delay.count()), why));
}

Fault fault_named(std::string_view name) {
  if (name == "reset") return Fault::reset;
  if (name == "truncate") return Fault::truncate;
  if (name == "garbage") return Fault::garbage;
  if (name == "stall") return Fault::stall;
  throw http::RequestError(400, query_manual);
}

// What stands before the separator; `text` keeps what stands after it.
std::string_view cut(std::string_view& text, char separator) {
  std::size_t end = text.find(separator);
  std::string_view before = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return before;
}

void read_query(std::string_view query, Answer& answer) {
  std::vector<std::string_view> seen;
  while (!query.empty()) {
    std::string_view value = cut(query, '&');
    std::string_view key = cut(value, '=');
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      throw http::RequestError(400, query_manual);
    seen.push_back(key);

    if (key == "fill")
      answer.size = number(value, 0, max_fill, query_manual);
    else if (key == "chunk")
      answer.chunk = number(value, 1, max_chunk, query_manual);
    else if (key == "gap")
      answer.gap = duration(value, query_manual);
    else if (key == "fault")
      answer.fault = fault_named(value);
    else
      throw http::RequestError(400, query_manual);
  }
  if (answer.gap > milliseconds(0) && answer.chunk == 0)
    throw http::RequestError(400, query_manual);

  std::size_t gaps = answer.chunk == 0 || answer.size == 0 ? 0 : (answer.size - 1) / answer.chunk;
  if (answer.delay + answer.gap * static_cast<std::int64_t>(gaps) > max_delay)
    throw http::RequestError(400, "all the gaps together would take longer than 600000 ms");
}

// /{ms}/{message}?{query}
Answer delayed_answer(std::string_view path, std::string_view query) {
  cut(path, '/');
  std::string_view delay = cut(path, '/');
  auto message = http::percent_decode(path);
  if (!message)
    throw http::RequestError(400, "in the message, a % begins two hexadecimal digits: %25 is a %");
  if (message->size() > max_message)
    throw http::RequestError(414, "the message may have at most 4096 bytes");

  Answer answer = page(200, std::move(*message));
  answer.delayed = true;
  answer.delay = duration(delay, "the path is /{ms}/{message}, with a delay of 0 to 600000 ms");
  read_query(query, answer);
  return answer;
}

Answer route(const http::Request& request, const Stats& stats) {
  if (request.method != "GET" && request.method != "HEAD")
    throw http::RequestError(405, "only GET and HEAD are possible here");
  std::string_view query = request.target;
  std::string_view path = cut(query, '?');
  if (path == "/") return page(200, manual);
  if (path == "/stats") return page(200, to_json(stats), "application/json");
  if (std::count(path.begin(), path.end(), '/') < 2)
    throw http::RequestError(404, "nothing is here; try /1000/hello, /stats or /");
  return delayed_answer(path, query);
}

// Sun, 06 Nov 1994 08:49:37 GMT. Not std::strftime: that one asks the locale.
std::string to_date(std::time_t time) {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[utc.tm_wday],
                utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text;
}

std::string head(const Answer& answer, bool chunked, bool close, std::time_t now) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) +
                     "\r\nDate: " + to_date(now) + "\r\nContent-Type: " + answer.type + "\r\n";
  head += chunked ? "Transfer-Encoding: chunked\r\n"
                  : "Content-Length: " + std::to_string(answer.size) + "\r\n";
  if (answer.status == 405) head += "Allow: GET, HEAD\r\n";
  if (close)
    head += "Connection: close\r\n";
  else if (!answer.http_1_1)
    head += "Connection: keep-alive\r\n";
  return head + "\r\n";
}

// The body from there on: the text over and over. Once one round stands there, it is doubled until
// it is enough.
void append_body(std::string& to, std::string_view text, std::size_t from, std::size_t count) {
  if (text.empty()) text = ".";
  std::size_t begin = to.size(), end = begin + count, offset = from % text.size();
  to += text.substr(offset);
  to += text.substr(0, offset);
  while (to.size() < end) to.append(to, begin, end - to.size());
  to.resize(end);
}

std::string chunk_head(std::size_t size) {
  char digits[24];
  int length = std::snprintf(digits, sizeof digits, "%zx\r\n", size);
  return std::string(digits, static_cast<std::size_t>(length));
}

}  // namespace

std::size_t Answer::body_end() const {
  if (body_omitted || fault == Fault::garbage) return 0;
  return fault == Fault::truncate ? size / 2 : size;
}

std::string Answer::next_piece(std::size_t& sent, bool close, std::time_t now) const {
  if (status == 100) return "HTTP/1.1 100 Continue\r\n\r\n";
  if (fault == Fault::garbage) return std::string(garbage);

  bool chunked = chunk > 0 && http_1_1;  // HTTP/1.0 gets the same pieces, with a Content-Length
  std::size_t count = std::min(body_end() - sent, chunk > 0 ? chunk : piece_size);
  std::string piece;
  if (sent == 0) piece = head(*this, chunked, close, now);
  piece.reserve(piece.size() + count + 32);
  if (chunked && count > 0) piece += chunk_head(count);
  append_body(piece, text, sent, count);
  if (chunked && count > 0) piece += "\r\n";
  sent += count;
  if (chunked && sent == size && !body_omitted) piece += "0\r\n\r\n";
  return piece;
}

Answer answer_to(const http::Request& request, const Stats& stats) {
  Answer answer;
  try {
    answer = route(request, stats);
  } catch (const http::RequestError& error) {
    answer = refusal(error.status(), error.what());
  }
  answer.http_1_1 = request.version == "HTTP/1.1";
  answer.keep_alive = request.keep_alive;
  answer.body_omitted = request.method == "HEAD";
  return answer;
}

Answer refusal(int status, const std::string& why) { return page(status, why + "\n"); }

Answer go_on() { return page(100, ""); }

}  // namespace delay
