#pragma once
// The connection of chapter 3, from the common library: the same functions, more carefully made.
#include "net/tcp_stream.hpp"
using net::TcpStream;
