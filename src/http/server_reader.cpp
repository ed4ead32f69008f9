// The one file that includes Boost: it is slow to compile.
#include "http/server_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace airlock::http {

namespace {

namespace beast = boost::beast;
namespace asio = boost::asio;

constexpr std::size_t k_first_read = 4 * 1024;                         // bytes; a usual header whole
constexpr std::size_t k_chunk_buffer = 64 * 1024;                      // bytes; of a chunked body, while it is read
constexpr std::uint64_t k_parser_body_limit = std::uint64_t{1} << 62;  // the route's own limit is what counts

// Beast's SyncReadStream over ours.
class ReadAdapter {
 public:
  explicit ReadAdapter(Stream& stream) : m_stream(stream) {}

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, beast::error_code& ec) {
    const asio::mutable_buffer first = *asio::buffer_sequence_begin(buffers);
    const IoResult result = m_stream.read_some({static_cast<std::byte*>(first.data()), first.size()});
    if (result.status == IoStatus::timeout) {
      ec = asio::error::timed_out;
    } else if (result.status == IoStatus::closed) {
      ec = asio::error::eof;
    } else {
      ec = {};
    }
    return result.bytes;
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    beast::error_code ec;
    const std::size_t count = read_some(buffers, ec);
    if (ec) {
      throw beast::system_error(ec);
    }
    return count;
  }

 private:
  Stream& m_stream;
};

using Parser = beast::http::request_parser<beast::http::buffer_body>;

HeadVerdict refusal_of(const beast::error_code& ec) {
  using beast::http::error;
  HeadVerdict verdict;
  if (ec == error::header_limit || ec == error::buffer_overflow) {
    verdict.refusal = 431;
    verdict.reason = "the request header is too large";
  } else if (ec == asio::error::timed_out) {
    verdict.refusal = 408;
    verdict.reason = "the request header did not arrive in time";
  } else if (ec == error::bad_version) {
    verdict.refusal = 505;
    verdict.reason = "the HTTP version is not supported";
  } else {
    verdict.refusal = 400;
    verdict.reason = "the request header is malformed";
  }
  return verdict;
}

RequestHead to_head(const beast::http::request_header<>& fields) {
  RequestHead head;
  head.method = std::string(fields.method_string());
  head.target = std::string(fields.target());
  head.version = static_cast<int>(fields.version());
  for (const auto& field : fields) {
    head.headers.add(std::string_view(field.name_string().data(), field.name_string().size()),
                     std::string(field.value()));
  }
  return head;
}

}  // namespace

struct RequestReader::Impl {
  Impl(Stream& the_stream, ReaderLimits the_limits)
      : stream(the_stream), limits(the_limits), adapter(the_stream), buffer(the_limits.header + k_chunk_buffer) {}

  std::size_t read_counted(std::span<std::byte> out);
  std::size_t read_chunked(std::span<std::byte> out);
  IoStatus await_first_byte();
  void release_buffer();

  Stream& stream;
  ReaderLimits limits;
  ReadAdapter adapter;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  Framing framing = Framing::none;
  std::uint64_t left = 0;  // of a counted body
  bool done = true;
  BodyError error = BodyError::none;
};

// Between requests a connection keeps a small buffer only: there may be a thousand of them.
void RequestReader::Impl::release_buffer() {
  parser.reset();
  if (buffer.size() == 0 && buffer.capacity() > k_first_read) {
    buffer.clear();
    buffer.shrink_to_fit();
  }
}

IoStatus RequestReader::Impl::await_first_byte() {
  if (buffer.size() != 0) {
    return IoStatus::ok;
  }
  stream.wait_until(Stream::Clock::now() + limits.idle);
  const auto room = buffer.prepare(k_first_read);
  const IoResult result = stream.read_some({static_cast<std::byte*>(room.data()), room.size()});
  buffer.commit(result.bytes);
  return result.status;
}

RequestReader::RequestReader(Stream& stream, ReaderLimits limits) : m_impl(std::make_unique<Impl>(stream, limits)) {}

RequestReader::~RequestReader() = default;

RequestReader::Outcome RequestReader::read_head(RequestHead& head, HeadVerdict& verdict) {
  Impl& impl = *m_impl;
  impl.release_buffer();
  impl.done = true;
  impl.error = BodyError::none;
  if (impl.await_first_byte() != IoStatus::ok) {
    return Outcome::ended;
  }
  impl.parser.emplace();
  impl.parser->header_limit(static_cast<std::uint32_t>(impl.limits.header));
  impl.parser->body_limit(k_parser_body_limit);
  impl.stream.wait_until(Stream::Clock::now() + impl.limits.header_time);
  beast::error_code ec;
  beast::http::read_header(impl.adapter, impl.buffer, *impl.parser, ec);
  if (ec == asio::error::eof || ec == beast::http::error::end_of_stream || ec == beast::http::error::partial_message) {
    return Outcome::ended;
  }
  if (ec) {
    verdict = refusal_of(ec);
    return Outcome::request;
  }
  head = to_head(impl.parser->get().base());
  verdict = check_head(head, impl.limits.target);
  impl.framing = verdict.framing;
  impl.left = verdict.content_length;
  impl.done = verdict.refusal != 0 || verdict.framing == Framing::none;
  impl.stream.wait_while_moving(impl.limits.stall);
  return Outcome::request;
}

std::size_t RequestReader::Impl::read_counted(std::span<std::byte> out) {
  out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left)));
  std::size_t count = std::min(out.size(), buffer.size());
  if (count > 0) {  // what came in one piece with the header
    std::memcpy(out.data(), buffer.data().data(), count);
    buffer.consume(count);
  } else {
    const IoResult result = stream.read_some(out);
    if (result.status != IoStatus::ok) {
      error = result.status == IoStatus::timeout ? BodyError::timeout : BodyError::closed;
      return 0;
    }
    count = result.bytes;
  }
  left -= count;
  done = left == 0;
  return count;
}

std::size_t RequestReader::Impl::read_chunked(std::span<std::byte> out) {
  buffer.reserve(std::min(k_chunk_buffer, buffer.max_size()));
  auto& body = parser->get().body();
  while (!parser->is_done()) {
    body.data = out.data();
    body.size = out.size();
    body.more = true;
    beast::error_code ec;
    beast::http::read_some(adapter, buffer, *parser, ec);
    const std::size_t count = out.size() - body.size;
    if (ec == beast::http::error::need_buffer) {
      ec = {};
    }
    if (ec) {
      const bool gone = ec == asio::error::eof || ec == beast::http::error::partial_message ||
                        ec == beast::http::error::end_of_stream;
      error = gone ? BodyError::closed : ec == asio::error::timed_out ? BodyError::timeout : BodyError::malformed;
      return 0;
    }
    if (count > 0) {
      done = parser->is_done();
      return count;
    }
  }
  done = true;
  return 0;
}

std::size_t RequestReader::read_body(std::span<std::byte> buffer) {
  Impl& impl = *m_impl;
  if (impl.done || impl.error != BodyError::none || buffer.empty()) {
    return 0;
  }
  return impl.framing == Framing::chunked ? impl.read_chunked(buffer) : impl.read_counted(buffer);
}

RequestReader::BodyError RequestReader::body_error() const {
  return m_impl->error;
}

bool RequestReader::body_done() const {
  return m_impl->done;
}

bool RequestReader::drain(std::uint64_t limit) {
  if (m_impl->framing == Framing::counted && m_impl->left > limit) {
    return m_impl->done;
  }
  std::array<std::byte, 16 * 1024> dropped;
  for (std::uint64_t total = 0; !m_impl->done && total <= limit;) {
    const std::size_t count = read_body(dropped);
    if (m_impl->error != BodyError::none) {
      return false;
    }
    total += count;
  }
  return m_impl->done;
}

}  // namespace airlock::http
