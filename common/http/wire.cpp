#include "http/wire.hpp"

#include <algorithm>
#include <charconv>

namespace http::wire {
namespace {

constexpr std::size_t most_size_digits = 16;  // hexadecimal ones, of a chunk's size: 64 bits

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_token_character(char c) noexcept {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// A line as it came, without its end. A CR inside it is left for the callers to refuse.
std::string_view without_end(std::string_view line) noexcept {
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

Header parse_header(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t')
    throw Error(400, "a header is folded over more than one line, near " + quoted(line));
  std::size_t colon = line.find(':');
  if (colon == std::string_view::npos)
    throw Error(400, "the header line " + quoted(line) + " has no colon");
  // A blank before the colon is refused with the rest: some take it for part of the name, others
  // do not, and between two such programs a request can be smuggled.
  if (!is_token(line.substr(0, colon)))
    throw Error(400, quoted(line.substr(0, colon)) + " is not the name of a header");
  std::string_view value = without_blanks(line.substr(colon + 1));
  if (!is_text(value))
    throw Error(400, "the header line " + quoted(line) + " holds a control character");
  return {std::string(line.substr(0, colon)), std::string(value)};
}

std::uint64_t parse_length(std::string_view digits) {
  std::uint64_t length = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error == std::errc::result_out_of_range)
    throw Error(413, "the Content-Length " + quoted(digits) + " is too large");
  if (error != std::errc() || end != digits.data() + digits.size())
    throw Error(400, "the Content-Length " + quoted(digits) + " is not a number");
  return length;
}

Error too_much(int status, const std::string& what, std::size_t limit) {
  return {status, what + ": at most " + std::to_string(limit) + " bytes are taken"};
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_text(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string_view without_blanks(std::string_view text) noexcept {
  std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string quoted(std::string_view text) {
  constexpr std::size_t most = 60;
  std::string result = "\"";
  for (char c : text.substr(0, most)) result += c >= 0x20 && c < 0x7f ? c : '?';
  return result + (text.size() > most ? "…\"" : "\"");
}

int minor_version(std::string_view version) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7]))
    throw Error(400, quoted(version) + " is not a version of HTTP");
  if (version[5] != '1')
    throw Error(505, std::string(version) + " is not spoken here, only HTTP/1.0 and HTTP/1.1");
  return version[7] - '0';
}

Framing framing(const std::vector<Header>& headers, int minor_version) {
  Framing framing;
  int codings = 0;
  bool ends_chunked = false;
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, "Content-Length")) {
      for_each_element(header.value, [&](std::string_view element) {
        std::uint64_t length = parse_length(element);
        if (framing.kind == Framing::length && framing.bytes != length)
          throw Error(400, "there are two different Content-Lengths");
        framing = {Framing::length, length};
      });
    } else if (equal_ignoring_case(header.name, "Transfer-Encoding")) {
      for_each_element(header.value, [&](std::string_view element) {
        ++codings;
        ends_chunked = equal_ignoring_case(element, "chunked");
      });
    }
  }
  if (codings == 0) return framing;

  // Whoever reads the one header and whoever reads the other disagree about where the next message
  // begins: that is how requests are smuggled past a proxy.
  if (framing.kind == Framing::length)
    throw Error(400, "there are both a Content-Length and a Transfer-Encoding");
  if (minor_version == 0) throw Error(400, "HTTP/1.0 knows no Transfer-Encoding");
  if (!ends_chunked) throw Error(400, "the last Transfer-Encoding is not chunked");
  if (codings > 1) throw Error(501, "the only Transfer-Encoding known here is chunked, by itself");
  return {Framing::chunked, 0};
}

void Reader::reset() {
  partial_line_.clear();
  header_bytes_ = header_count_ = 0;
  framing_ = {};
  body_bytes_ = 0;
}

// The next line with its end, once that has arrived. The first `limit` bytes of a line that is too
// long decide that it is, however they arrive. `most` is what the message names, unless it is 0:
// the limit of the whole, of which `limit` is left.
std::optional<std::string_view> Reader::line(std::string_view& bytes, std::size_t limit, int status,
                                             const char* too_long, std::size_t most) {
  if (bytes.empty()) return std::nullopt;
  std::string_view piece = bytes.substr(0, limit - partial_line_.size());
  std::size_t end = piece.find('\n');
  if (end != std::string_view::npos) piece = piece.substr(0, end + 1);
  bytes.remove_prefix(piece.size());

  if (end == std::string_view::npos) {
    partial_line_ += piece;
    if (partial_line_.size() == limit)
      throw most == 0 ? Error(status, too_long) : too_much(status, too_long, most);
    return std::nullopt;
  }
  if (partial_line_.empty()) return piece;  // the usual case: nothing is copied
  partial_line_ += piece;
  line_.swap(partial_line_);
  partial_line_.clear();
  return line_;
}

std::optional<std::string_view> Reader::first_line(std::string_view& bytes) {
  std::optional<std::string_view> found =
      line(bytes, limits_.first_line, 414, "the first line is too long", limits_.first_line);
  if (!found) return found;
  first_line_bytes_ = found->size();
  return without_end(*found);
}

void Reader::count_first_line() { count_header_bytes(first_line_bytes_); }

bool Reader::headers(std::string_view& bytes, std::vector<Header>* headers) {
  for (;;) {
    std::optional<std::string_view> found = line(bytes, limits_.header_bytes - header_bytes_, 431,
                                                 "the headers are too large", limits_.header_bytes);
    if (!found) return false;
    count_header_bytes(found->size());
    std::string_view text = without_end(*found);
    if (text.empty()) return true;
    if (header_count_++ == limits_.header_count) throw Error(431, "there are too many headers");
    Header header = parse_header(text);
    if (headers != nullptr) headers->push_back(std::move(header));
  }
}

void Reader::count_header_bytes(std::size_t size) {
  if (size > limits_.header_bytes - header_bytes_)
    throw too_much(431, "the headers are too large", limits_.header_bytes);
  header_bytes_ += size;
}

void Reader::expect(Framing framing) {
  framing_ = framing;
  chunk_ = Chunk::size;
  left_ = 0;
  if (framing.kind == Framing::length) expect_data(framing.bytes);
}

// Announced is not arrived: this only remembers the number.
void Reader::expect_data(std::uint64_t size) {
  if (size > limits_.body_bytes - body_bytes_)
    throw too_much(413, "the body is too large", limits_.body_bytes);
  body_bytes_ += size;
  left_ = size;
}

bool Reader::body(std::string_view& bytes, std::string* body) {
  switch (framing_.kind) {
    case Framing::length:
      return data(bytes, body);
    case Framing::chunked:
      return chunks(bytes, body);
    case Framing::until_close:
      expect_data(bytes.size());
      data(bytes, body);
      return false;
    default:
      return true;
  }
}

bool Reader::data(std::string_view& bytes, std::string* body) {
  std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (body != nullptr) *body += bytes.substr(0, size);
  bytes.remove_prefix(size);
  left_ -= size;
  return left_ == 0;
}

// Here, unlike in the head, lines end in CR LF and nothing else: nobody types chunks.
bool Reader::chunks(std::string_view& bytes, std::string* body) {
  for (;;) {
    switch (chunk_) {
      case Chunk::size: {
        // Extensions count as headers, or else chunks of one byte could carry megabytes of them.
        std::size_t limit = most_size_digits + 2 + limits_.header_bytes - header_bytes_;
        std::optional<std::string_view> found =
            line(bytes, limit, 431, "the line with a chunk's size is too long");
        if (!found) return false;
        std::string_view text = without_end(*found);
        std::uint64_t size = 0;
        const char* text_end = text.data() + text.size();
        auto [end, error] = std::from_chars(text.data(), text_end, size, 16);
        std::string_view extension(end, static_cast<std::size_t>(text_end - end));
        if (error == std::errc::result_out_of_range ||
            text.size() - extension.size() > most_size_digits)
          throw Error(413, "the chunk size " + quoted(text) + " is too large");
        bool has_extension = without_blanks(extension).starts_with(';');
        if (error != std::errc() || !found->ends_with("\r\n") || !is_text(extension) ||
            (!extension.empty() && !has_extension))
          throw Error(400, "the line " + quoted(text) + " does not say the size of a chunk");
        count_header_bytes(extension.size());
        expect_data(size);
        chunk_ = size == 0 ? Chunk::trailers : Chunk::data;
        break;
      }
      case Chunk::data:
        if (!data(bytes, body)) return false;
        chunk_ = Chunk::end_of_data;
        break;
      case Chunk::end_of_data: {
        const char* wrong = "a chunk does not end where its size says";
        std::optional<std::string_view> found = line(bytes, 2, 400, wrong);
        if (!found) return false;
        if (*found != "\r\n") throw Error(400, wrong);
        chunk_ = Chunk::size;
        break;
      }
      case Chunk::trailers:
        return headers(bytes, nullptr);
    }
  }
}

}  // namespace http::wire
