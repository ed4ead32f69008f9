#include "agent/masking.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace airlock::agent {

namespace {

constexpr std::string_view k_mask = "[secret]";

}  // namespace

void Masker::add_form(std::string form) {
  if (form.size() < k_shortest_masked ||
      std::ranges::any_of(m_forms, [&](const base::Secret& known) { return known.reveal() == form; })) {
    return;
  }
  m_first.at(static_cast<unsigned char>(form.front())) = true;
  m_forms.emplace_back(std::move(form));
  std::ranges::stable_sort(m_forms, std::greater(), [](const base::Secret& form_) { return form_.reveal().size(); });
}

void Masker::add(const base::Secret& secret) {
  const std::string& value = secret.reveal();
  add_form(value);
  const auto lines = base::split(value, '\n');
  if (lines.size() > 1) {
    for (const auto& line : lines) {
      add_form(std::string(base::trim(line)));
    }
  }
  if (value.size() >= k_shortest_masked) {
    std::string encoded = base::base64_encode(value);
    while (encoded.ends_with('=')) {
      encoded.pop_back();  // some leave them out
    }
    add_form(std::move(encoded));
    add_form(base::percent_encode(value));
    const auto quoted = base::to_line(base::Json(value));
    add_form(quoted.substr(1, quoted.size() - 2));
  }
}

std::size_t Masker::match_at(std::string_view text) const {
  if (text.empty() || !m_first.at(static_cast<unsigned char>(text.front()))) {
    return 0;
  }
  const auto found =
      std::ranges::find_if(m_forms, [&](const base::Secret& form) { return text.starts_with(form.reveal()); });
  return found == m_forms.end() ? 0 : found->reveal().size();
}

bool Masker::may_become_match(std::string_view text) const {
  return m_first.at(static_cast<unsigned char>(text.front())) &&
         std::ranges::any_of(m_forms, [&](const base::Secret& form) {
           return text.size() < form.reveal().size() && form.reveal().starts_with(text);
         });
}

// Secrets that overlap are one masked stretch: what one of them leaves over belongs to another.
std::size_t Masker::show(std::string_view text, bool is_end, std::size_t& covered, std::string& shown) const {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (covered != 0 && at == covered) {
      shown += k_mask;
      covered = 0;
    }
    const auto rest = text.substr(at);
    if (!is_end && may_become_match(rest)) {
      covered -= std::min(covered, at);
      return at;
    }
    if (const std::size_t length = match_at(rest); length != 0) {
      covered = std::max(covered, at + length);
    }
    if (covered == 0) {
      shown.push_back(text[at]);
    }
  }
  if (covered != 0) {
    shown += k_mask;
    covered = 0;
  }
  return text.size();
}

std::string Masker::mask(std::string_view text) const {
  std::string shown;
  std::size_t covered = 0;
  show(text, true, covered, shown);
  return shown;
}

std::string Masker::pass(std::string_view text) {
  m_held += text;
  std::string shown;
  m_held.erase(0, show(m_held, false, m_covered, shown));
  return shown;
}

std::string Masker::finish() {
  std::string shown;
  show(m_held, true, m_covered, shown);
  m_held.clear();
  return shown;
}

}  // namespace airlock::agent
