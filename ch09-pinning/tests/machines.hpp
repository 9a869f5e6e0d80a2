#pragma once
// What the suites of stages a to d need to look at a machine that corofy has made: they compile the
// stage's main_corofied.cpp, and hear what it says.

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <string>

#include "narrate/narrate.hpp"
#include "net/tcp_stream.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

// The texts that are said with the verb "result" while the action runs, a line each: a suite prints
// none of them, but a trace has them, too.
inline std::string told_result(const std::function<void()>& action) {
  testing::TemporaryFolder folder;
  const std::string file = folder.path() / "trace.json";
  narrate::trace_to(file);
  action();
  narrate::finish_trace();
  std::ifstream stream(file);
  std::string results;
  for (std::string line; std::getline(stream, line);) {
    if (line.find("\"name\":\"result\"") == std::string::npos) continue;
    const std::string key = "\"detail\":\"";
    std::size_t begin = line.find(key);
    REQUIRE(begin != std::string::npos);
    begin += key.size();
    results += line.substr(begin, line.find('"', begin) - begin) + "\n";
  }
  return results;
}

// Reads a request, for scripts: "request-0" if it was GET /1/request-0.
inline std::string requested_name(net::TcpStream& stream) {
  std::string request = testing::read_request(stream);
  request.erase(request.find(" HTTP/"));
  return request.substr(request.rfind('/') + 1);
}

// The answer that a server gives with this body.
inline std::string answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The line of a program's output that begins, behind its time and its thread, with "result".
inline std::string result_line(const std::string& output) {
  std::size_t verb = output.find("  result  ");
  REQUIRE(verb != std::string::npos);
  std::size_t begin = output.rfind('\n', verb) + 1;  // 0 if it is the first line
  CHECK(output.find("  result  ", verb + 1) == std::string::npos);
  return output.substr(begin, output.find('\n', verb) - begin);
}
