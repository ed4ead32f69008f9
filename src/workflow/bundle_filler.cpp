#include "workflow/bundle_filler.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::Error;
using base::ErrorCode;
using model::FileRow;

// Header, padding and end blocks of a volume: a blob beyond its size less this would have to be cut.
constexpr std::uint64_t k_volume_overhead = 8 * 1024;

}  // namespace

// Proves the pin that upstream gives a file, where that is another one than the blob's own digest.
class BundleFiller::PinCheck {
 public:
  PinCheck(const FileRow& row, DigestsFrom from) : m_row(row), m_from(from) {
    if (row.pin.starts_with("sha512:") || row.pin.starts_with("sha384:") || row.pin.starts_with("sha1:")) {
      m_hasher.emplace(Digest::parse(row.pin).algorithm());
      return;
    }
    const ecosystem::Ecosystem* ecosystem = ecosystem::find_ecosystem(row.ecosystem);
    if (ecosystem != nullptr && ecosystem->pin_check) {
      m_own = ecosystem->pin_check(row);
    }
  }

  void update(std::span<const std::byte> data) {
    if (m_hasher) {
      m_hasher->update(data);
    }
    if (m_own) {
      m_own->write(data);
    }
  }

  // Of bytes that were not seen from their start nothing can be said.
  void give_up() {
    m_hasher.reset();
    m_own.reset();
  }

  void finish() {
    const std::string found = m_hasher ? m_hasher->finish().to_string() : m_own ? m_own->finish() : m_row.pin;
    if (found != m_row.pin) {
      throw changed_upstream(m_row, fmt::format("expected {}, found {}", m_row.pin, found), m_from);
    }
  }

 private:
  const FileRow& m_row;
  DigestsFrom m_from;
  std::optional<base::Hasher> m_hasher;
  std::unique_ptr<ecosystem::PinCheck> m_own;
};

BundleFiller::BundleFiller(model::Lock& lock, const BlobPlan& plan, BlobSources& sources, bundle::BundleOutput& output,
                           RunJournal& journal, base::Reporter& reporter, FillOptions options)
    : m_lock(lock), m_plan(plan), m_sources(sources), m_output(output), m_journal(journal), m_reporter(reporter),
      m_options(std::move(options)) {}

void BundleFiller::run() {
  m_progress = m_reporter.task("fetching", m_plan.bytes);
  for (std::size_t i = 0; i < m_options.complete; ++i) {
    m_progress->advance(m_plan.blobs[i].length.value_or(0));
  }
  m_progress->advance(m_options.begun);
  FetchWindow window(
      [this, next = m_options.complete]() mutable -> std::optional<WindowBlob> {
        if (next == m_plan.blobs.size()) {
          return std::nullopt;
        }
        const bool first = next == m_options.complete;
        return window_blob(m_plan.blobs[next++], first);
      },
      m_options.window);
  bool first = true;
  while (const auto delivery = window.next()) {
    write(window, *delivery, m_plan.blobs[m_options.complete + static_cast<std::size_t>(delivery->number)], first);
    first = false;
  }
  m_spooled += window.counters().spooled;
  m_progress.reset();
}

WindowBlob BundleFiller::window_blob(const PlannedBlob& planned, bool first) const {
  // A copy: the row itself is filled in by the consumer, while this is read by workers.
  FileRow row = m_lock.rows[planned.row];
  row.sha256 = planned.sha256;
  row.length = planned.length;
  WindowBlob blob;
  blob.name = name_of(row);
  blob.origin = origin_of(row);
  blob.length = planned.length;
  blob.start = first ? m_options.begun : 0;
  // Of an unknown digest the header is written afterwards, which cannot be done across volumes; and what a base holds
  // can be left out only before it is written.
  const bool too_large =
      m_options.volume_size && planned.length.value_or(0) + k_volume_overhead > *m_options.volume_size;
  const bool small = planned.length.value_or(0) <= m_options.window.segment;
  if (!planned.sha256 && (small || too_large || !m_options.held.empty())) {
    blob.arrival = Arrival::gather;
  }
  blob.in_one = !planned.sha256 && row.pin.empty();
  blob.open = [this, row = std::move(row)] { return m_sources.open(row); };
  return blob;
}

bool BundleFiller::is_held(const Digest& sha256) const {
  return std::ranges::binary_search(m_options.held, sha256);
}

void BundleFiller::write(FetchWindow& window, const FetchWindow::Delivery& delivery, const PlannedBlob& planned,
                         bool first) {
  if (planned.sha256) {
    write_known(window, planned, delivery.length, first);
  } else if (delivery.sha256) {
    write_gathered(window, delivery, planned);
  } else {
    write_unknown(window, delivery, planned);
  }
}

void BundleFiller::pass_on(FetchWindow& window, PinCheck& pins, bool to_output) {
  for (auto piece = window.read(); !piece.empty(); piece = window.read()) {
    pins.update(piece);
    if (to_output) {
      m_output.append(piece);
    }
    m_progress->advance(piece.size());
  }
}

void BundleFiller::write_known(FetchWindow& window, const PlannedBlob& planned, std::uint64_t length, bool first) {
  const Digest sha256 = *planned.sha256;
  const FileRow& row = m_lock.rows[planned.row];
  if (m_output.contains(sha256)) {
    return;  // an earlier file, whose digest was not known before, turned out to be the same
  }
  PinCheck pins(row, m_options.digests);
  const bool taken_up = first && m_options.begun > 0;
  if (taken_up) {
    pins.give_up();
    m_output.continue_blob(sha256, length, m_options.begun);
  } else {
    m_output.begin_blob(sha256, length);
  }
  pass_on(window, pins, true);
  try {
    m_output.finish_blob();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::tampered) {
      throw;
    }
    if (taken_up) {
      // Its first part was written by a run that lost power, perhaps, before all of it was on the medium.
      m_reporter.warning(
          fmt::format("what an earlier run left of {} is damaged, so it is fetched again", name_of(row)));
      fetch_again(planned, length, [this](const FileRow& whole) { return m_sources.open(whole); });
      return;
    }
    if (!m_sources.is_here(row)) {
      throw changed_upstream(row, error.message(), m_options.digests);
    }
    m_reporter.warning(fmt::format("the local copy of {} is damaged, so it is fetched again", name_of(row)));
    fetch_again(planned, length, [this](const FileRow& whole) { return m_sources.upstream(whole); });
    return;
  }
  pins.finish();
  if (!planned.length) {
    learn(planned, sha256, length);
  }
}

// The whole blob from its start. The damaged bytes were taken back.
void BundleFiller::fetch_again(const PlannedBlob& planned, std::uint64_t length, const Opener& open) {
  FileRow row = m_lock.rows[planned.row];
  row.length = length;
  FetchWindow window(
      [&, fed = false]() mutable -> std::optional<WindowBlob> {
        if (std::exchange(fed, true)) {
          return std::nullopt;
        }
        return WindowBlob{
            .name = name_of(row), .origin = origin_of(row), .length = length, .open = [&] { return open(row); }};
      },
      m_options.window);
  PinCheck pins(row, m_options.digests);
  window.next();
  m_output.begin_blob(*planned.sha256, length);
  pass_on(window, pins, true);
  try {
    m_output.finish_blob();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::tampered) {
      throw changed_upstream(row, error.message(), m_options.digests);
    }
    throw;
  }
  pins.finish();
}

void BundleFiller::write_gathered(FetchWindow& window, const FetchWindow::Delivery& delivery,
                                  const PlannedBlob& planned) {
  const Digest sha256 = delivery.sha256.value();
  const bool held = is_held(sha256);
  const bool wanted = !held && !m_output.contains(sha256);
  PinCheck pins(m_lock.rows[planned.row], m_options.digests);
  if (wanted) {
    m_output.begin_blob(sha256, delivery.length);
  }
  pass_on(window, pins, wanted);
  pins.finish();
  if (wanted) {
    m_output.finish_blob();
  }
  if (held) {
    m_left_out.push_back(sha256);
  }
  learn(planned, sha256, delivery.length);
}

void BundleFiller::write_unknown(FetchWindow& window, const FetchWindow::Delivery& delivery,
                                 const PlannedBlob& planned) {
  PinCheck pins(m_lock.rows[planned.row], m_options.digests);
  m_output.begin_unknown_blob(delivery.length);
  pass_on(window, pins, true);
  pins.finish();
  learn(planned, m_output.finish_unknown_blob(), delivery.length);
}

void BundleFiller::learn(const PlannedBlob& planned, const Digest& sha256, std::uint64_t length) {
  FileRow& row = m_lock.rows[planned.row];
  row.sha256 = sha256;
  row.length = length;
  m_journal.learned(row);
}

}  // namespace airlock::workflow
