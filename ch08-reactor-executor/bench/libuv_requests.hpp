#pragma once
// The same requests with libuv, as a program would make them that spares no effort: a request is
// short, so it is sent with uv_try_write(), and all connections read into one buffer. The parser is
// ours, and so are the names and the options of the sockets: none, as in the stages.

#ifdef HAVE_LIBUV1_DEV
#include <uv.h>
#endif

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/bench.hpp"
#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "requests.hpp"

namespace libuv {

#ifdef HAVE_LIBUV1_DEV
inline const std::string name = "libuv " + std::to_string(UV_VERSION_MAJOR) + "." +
                                std::to_string(UV_VERSION_MINOR) + "." +
                                std::to_string(UV_VERSION_PATCH);

inline void check(int status, const char* call) {
  if (status < 0) throw std::runtime_error(std::string(call) + ": " + ::uv_strerror(status));
}

class Request;

struct Client {
  uv_loop_t loop{};
  std::array<char, 4096> buffer;
  const requests::Task& task;
  std::vector<std::unique_ptr<Request>> requests = {};
  int answered = 0;
};

class Request {
 public:
  Request(Client& client, int i) : client_(client), name_(requests::Task::name(i)) {
    const requests::Task& task = client.task;
    std::string path = "/" + std::to_string(task.delay(i).count()) + "/" + name_;
    unsent_ = http::get_request(path, task.server.to_string());
    check(::uv_tcp_init(&client.loop, &socket_), "uv_tcp_init");
    socket_.data = connect_.data = this;
    check(::uv_tcp_connect(&connect_, &socket_, task.server.data(),
                           [](uv_connect_t* connect, int status) {
                             check(status, "uv_tcp_connect");
                             static_cast<Request*>(connect->data)->send();
                           }),
          "uv_tcp_connect");
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

 private:
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&socket_); }
  static Request& of(void* data) { return *static_cast<Request*>(data); }

  void send() {
    uv_buf_t bytes = ::uv_buf_init(unsent_.data(), static_cast<unsigned>(unsent_.size()));
    int count = ::uv_try_write(stream(), &bytes, 1);
    // A new connection has room for a hundred bytes: what else a program has to do here is not
    // measured.
    if (count != static_cast<int>(unsent_.size()))
      throw std::runtime_error("uv_try_write has not sent all of a request");
    unsent_.clear();
    check(::uv_read_start(
              stream(),
              [](uv_handle_t* socket, std::size_t, uv_buf_t* buffer) {
                Client& client = of(socket->data).client_;
                *buffer = ::uv_buf_init(client.buffer.data(),
                                        static_cast<unsigned>(client.buffer.size()));
              },
              [](uv_stream_t* stream, ssize_t count_or_error, const uv_buf_t* buffer) {
                of(stream->data).take(count_or_error, buffer->base);
              }),
          "uv_read_start");
  }

  void take(ssize_t count, const char* bytes) {
    if (count == 0) return;  // "EAGAIN"
    if (count == UV_EOF) {
      parser_.finish();
    } else {
      check(static_cast<int>(count), "read");
      parser_.feed({bytes, static_cast<std::size_t>(count)});
    }
    if (!parser_.done()) return;
    std::string body = parser_.response().body;
    if (body == name_) ++client_.answered;
    ::uv_close(reinterpret_cast<uv_handle_t*>(&socket_), nullptr);
  }

  Client& client_;
  std::string name_;
  std::string unsent_;
  http::ResponseParser parser_;
  uv_tcp_t socket_{};
  uv_connect_t connect_{};
};

inline requests::Done make_requests(const requests::Task& task) {
  Client client{.buffer = {}, .task = task};
  check(::uv_loop_init(&client.loop), "uv_loop_init");
  for (int i = 0; i != task.count; ++i)
    client.requests.push_back(std::make_unique<Request>(client, i));
  ::uv_run(&client.loop, UV_RUN_DEFAULT);
  check(::uv_loop_close(&client.loop), "uv_loop_close");
  return {.answered = client.answered};
}

inline constexpr requests::Client client = make_requests;
inline constexpr bool is_there = true;
#else
inline const std::string name = "libuv";
inline constexpr requests::Client client = nullptr;
inline constexpr bool is_there = false;
#endif

}  // namespace libuv
