#include "cli/progress_line.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::cli {

namespace {

constexpr std::size_t k_label_width = 22;
constexpr std::size_t k_smallest_bar = 8;
constexpr std::size_t k_largest_bar = 40;

std::string amount(std::uint64_t value, base::ProgressUnit unit) {
  return unit == base::ProgressUnit::bytes ? base::format_bytes(value) : fmt::format("{}", value);
}

std::string rate_text(const ProgressState& state) {
  if (state.rate <= 0) {
    return "";
  }
  const auto rate = static_cast<std::uint64_t>(state.rate);
  return state.unit == base::ProgressUnit::bytes ? base::format_bytes(rate) + "/s" : fmt::format("{}/s", rate);
}

std::vector<std::string> facts(const ProgressState& state) {
  std::vector<std::string> parts;
  if (state.total > 0) {
    const auto done = std::min(state.done, state.total);
    parts.push_back(fmt::format("{:3.0f} %", 100.0 * static_cast<double>(done) / static_cast<double>(state.total)));
    parts.push_back(fmt::format("{} of {}", amount(done, state.unit), amount(state.total, state.unit)));
  } else {
    parts.push_back(amount(state.done, state.unit));
  }
  if (auto rate = rate_text(state); !rate.empty()) {
    parts.push_back(std::move(rate));
    if (state.total > state.done) {
      parts.push_back(format_seconds(static_cast<double>(state.total - state.done) / state.rate) + " left");
    }
  }
  return parts;
}

}  // namespace

std::string format_seconds(double seconds) {
  if (!(seconds < 359'999'000.0)) {
    return "long";
  }
  const auto whole = static_cast<std::uint64_t>(std::ceil(std::max(0.0, seconds)));
  if (whole < 60) {
    return fmt::format("{} s", whole);
  }
  if (whole < 3600) {
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  }
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string plain_line(const ProgressState& state) {
  auto parts = facts(state);
  if (!parts.empty()) {
    parts.front() = std::string(base::trim(parts.front()));
  }
  return fmt::format("{}: {}", state.label, base::join(parts, ", "));
}

std::string bar_line(const ProgressState& state, std::size_t width) {
  std::string label(state.label.substr(0, k_label_width));
  label.resize(k_label_width, ' ');
  const std::string tail = base::join(facts(state), "  ");
  const std::size_t fixed = label.size() + tail.size() + 6;  // two spaces, the brackets, two spaces
  if (state.total == 0 || fixed + k_smallest_bar > width) {
    return fmt::format("{}  {}", label, tail).substr(0, width);
  }
  const std::size_t bar = std::min(k_largest_bar, width - fixed);
  const double share = static_cast<double>(std::min(state.done, state.total)) / static_cast<double>(state.total);
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar));
  return fmt::format("{}  [{}{}]  {}", label, std::string(filled, '#'), std::string(bar - filled, '.'), tail);
}

}  // namespace airlock::cli
