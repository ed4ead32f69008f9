#include "http/server_sinks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_flush_at = 64 * 1024;  // bytes; handlers may write line by line
constexpr std::size_t k_write_piece = 256 * 1024;

void append(std::string& text, std::span<const std::byte> data) {
  text.append(reinterpret_cast<const char*>(data.data()), data.size());
}

}  // namespace

void ResponseSink::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), k_write_piece));
    add(piece);
    m_sent += piece.size();
    data = data.subspan(piece.size());
    if (m_pending.size() >= k_flush_at) {
      flush();
    }
  }
}

void ResponseSink::add(std::span<const std::byte> data) {
  append(m_pending, data);
}

void ResponseSink::flush() {
  m_started = true;
  if (m_client_gone || m_stream.write(base::as_bytes(m_pending)) != IoStatus::ok) {
    m_client_gone = true;
    throw Error(ErrorCode::network, "the client went away");
  }
  m_pending.clear();
}

void ResponseSink::finish() {
  flush();
}

void ChunkedSink::add(std::span<const std::byte> data) {
  fmt::format_to(std::back_inserter(m_pending), "{:x}\r\n", data.size());
  append(m_pending, data);
  m_pending += "\r\n";
}

void ChunkedSink::finish() {
  m_pending += "0\r\n\r\n";
  flush();
}

void CountedSink::add(std::span<const std::byte> data) {
  if (data.size() > m_left) {
    throw Error(ErrorCode::internal, "a handler wrote more than the Content-Length it gave");
  }
  m_left -= data.size();
  append(m_pending, data);
}

void CountedSink::finish() {
  if (m_left != 0) {
    throw Error(ErrorCode::internal, "a handler wrote less than the Content-Length it gave");
  }
  flush();
}

std::size_t BodySource::read(std::span<std::byte> buffer) {
  if (m_owes_continue) {
    m_owes_continue = false;
    if (m_stream.write(base::as_bytes("HTTP/1.1 100 Continue\r\n\r\n")) != IoStatus::ok) {
      throw Error(ErrorCode::network, "the client went away");
    }
  }
  const std::size_t count = m_reader.read_body(buffer);
  switch (m_reader.body_error()) {
  case RequestReader::BodyError::none:
    break;
  case RequestReader::BodyError::closed:
    throw Error(ErrorCode::network, "the client went away before the end of its request");
  case RequestReader::BodyError::timeout:
    throw Error(ErrorCode::network, "the client stopped in the middle of its request");
  case RequestReader::BodyError::malformed:
    throw Error(ErrorCode::malformed, "the chunks of the request's body are malformed");
  }
  if (count > m_left) {
    throw Error(ErrorCode::limit, "the request's body is larger than this route takes");
  }
  m_left -= count;
  return count;
}

}  // namespace airlock::http
