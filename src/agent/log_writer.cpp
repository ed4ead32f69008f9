#include "agent/log_writer.hpp"

namespace airlock::agent {

namespace {

constexpr std::size_t k_longest = control::limits::k_line;
constexpr std::chrono::milliseconds k_idle{700};

// Where a text can be cut so that no UTF-8 character is torn, at most `limit` bytes in.
std::size_t cut_at(std::string_view text, std::size_t limit) {
  std::size_t at = limit;
  while (at > limit - 4 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) {
    --at;
  }
  return at > limit - 4 ? at : limit;
}

}  // namespace

control::UnixMillis now_in_millis() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

LogWriter::LogWriter(Spool& spool, std::uint64_t step, Masker masker)
    : m_spool(spool), m_step(step), m_masker(std::move(masker)) {}

// As records of one line each, none longer on its way than the server takes: one that it refuses would block all else.
void LogWriter::put(std::string_view text) {
  const std::string shown = control::log_text(text);
  std::string_view rest = shown;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::size_t length = end == std::string_view::npos ? rest.size() : end + 1;
    const auto line = rest.substr(0, length > k_longest ? cut_at(rest, k_longest) : length);
    m_spool.add_line(m_step, {now_in_millis(), std::string(line)});
    rest.remove_prefix(line.size());
  }
}

void LogWriter::add(std::string_view text) {
  m_line += text;
  std::size_t at = 0;
  while (at < m_line.size()) {
    const auto end = m_line.find('\n', at);
    const std::size_t length = (end == std::string::npos ? m_line.size() : end + 1) - at;
    if (length > k_longest) {
      const std::size_t part = cut_at(std::string_view(m_line).substr(at), k_longest);
      put(std::string_view(m_line).substr(at, part));
      at += part;
    } else if (end != std::string::npos) {
      put(std::string_view(m_line).substr(at, length));
      at += length;
    } else {
      break;
    }
  }
  m_line.erase(0, at);
}

void LogWriter::write(std::string_view output) {
  const std::lock_guard lock(m_mutex);
  m_last = std::chrono::steady_clock::now();
  add(m_masker.pass(output));
}

void LogWriter::say(const std::string& line) {
  const std::lock_guard lock(m_mutex);
  put("airlock: " + m_masker.mask(line) + "\n");
}

void LogWriter::flush_if_idle() {
  const std::lock_guard lock(m_mutex);
  if (!m_line.empty() && std::chrono::steady_clock::now() - m_last > k_idle) {
    put(std::exchange(m_line, {}));
  }
}

void LogWriter::finish() {
  const std::lock_guard lock(m_mutex);
  add(m_masker.finish());
  if (!m_line.empty()) {
    put(std::exchange(m_line, {}) + "\n");
  }
}

}  // namespace airlock::agent
