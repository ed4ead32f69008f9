// The sinks behind a response that a handler writes itself, and the source of a request's body.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "http/server_reader.hpp"
#include "http/server_stream.hpp"

namespace airlock::http {

// Holds the response's header back until the first bytes go out, so that a writer that fails at once can
// still become an error response. Throws network when the client has gone.
class ResponseSink : public base::ByteSink {
 public:
  ResponseSink(Stream& stream, std::string head) : m_stream(stream), m_pending(std::move(head)) {}

  void write(std::span<const std::byte> data) override;
  virtual void finish();  // the end of a complete body; throws internal when it is shorter than promised
  bool started() const { return m_started; }
  bool client_gone() const { return m_client_gone; }
  std::uint64_t sent() const { return m_sent; }  // bytes of body

 protected:
  virtual void add(std::span<const std::byte> data);  // to the pending bytes, framed
  void flush();

  Stream& m_stream;
  std::string m_pending;

 private:
  bool m_started = false;
  bool m_client_gone = false;
  std::uint64_t m_sent = 0;
};

class ChunkedSink : public ResponseSink {
 public:
  using ResponseSink::ResponseSink;
  void finish() override;

 protected:
  void add(std::span<const std::byte> data) override;
};

class CountedSink : public ResponseSink {  // throws internal beyond what was promised
 public:
  CountedSink(Stream& stream, std::string head, std::uint64_t promised)
      : ResponseSink(stream, std::move(head)), m_left(promised) {}
  void finish() override;

 protected:
  void add(std::span<const std::byte> data) override;

 private:
  std::uint64_t m_left;
};

enum class Continue { not_expected, expected };

// Throws limit beyond the route's limit, malformed for broken chunks, network when the client went away or is
// too slow. Sends "100 Continue" when it is first read.
class BodySource : public base::ByteSource {
 public:
  BodySource(Stream& stream, RequestReader& reader, std::uint64_t limit, Continue expectation)
      : m_stream(stream), m_reader(reader), m_left(limit), m_owes_continue(expectation == Continue::expected) {}

  std::size_t read(std::span<std::byte> buffer) override;
  bool owes_continue() const { return m_owes_continue; }

 private:
  Stream& m_stream;
  RequestReader& m_reader;
  std::uint64_t m_left;
  bool m_owes_continue;
};

}  // namespace airlock::http
