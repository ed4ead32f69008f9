#include "workflow/ship.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/layout.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/blob_copy.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/carry_set.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/run_journal.hpp"
#include "workflow/ship_plan.hpp"
#include "workflow/ship_statements.hpp"
#include "workflow/target.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using bundle::Shipment;

// Disks need no crowd of readers, and larger blocks wake fewer of them.
constexpr std::size_t k_readers = 4;
constexpr std::size_t k_read_block = 1u << 20;  // bytes

class ShipRun {
 public:
  ShipRun(const Home& home, const ShipOptions& options, const KeyRing& keys, const base::Clock& clock,
          base::Reporter& reporter)
      : m_home(home), m_options(options), m_reporter(reporter), m_signers(keys.signing_set()),
        m_now(base::build_time(clock)), m_files{.heads = {}, .folders = options.volumes},
        m_head(read_approved_head(options.bundle, m_files).head), m_verified(verify_own_head(m_head, home)),
        m_channel(home, m_verified.descriptor().channel), m_target(find_target(options.output)),
        m_statements(m_head, m_verified, m_signers, m_channel, reporter), m_journal(m_channel.folder() / "ship") {}

  ShipReport run() {
    base::make_directories(m_channel.folder(), 0700);
    m_lock.emplace(m_channel.lock_file());
    base::remove_leftovers(m_channel.folder());
    base::remove_leftovers(m_target.folder);
    m_statements.compare_with_newest();
    m_statements.bring_up_to_date({m_target.folder, m_head.file().parent_path()});
    m_statements.require_still_good(m_now, m_journal.folder());
    make_plan();
    take_up_interrupted();
    if (m_finished) {
      load_finished();
    } else {
      choose_names();
      write();
    }
    carry();
    remember();
    return std::move(m_report);
  }

 private:
  const std::string& channel() const { return m_verified.descriptor().channel; }
  std::uint64_t serial() const { return m_verified.descriptor().serial; }
  base::Time created() const { return m_verified.descriptor().created; }
  std::string stem() const { return bundle::bundle_stem(channel(), serial(), m_run.shipment); }
  std::string set() const { return bundle::set_id(channel(), serial(), m_run.shipment, created()); }

  void make_plan() {
    for (const fs::path& base : m_options.bases) {
      m_bases.push_back(read_base(base, m_home, channel(), m_options.withheld, m_files));
    }
    m_plan =
        m_options.content == ShipContent::statements ? plan_statements(m_verified) : plan_shipment(m_verified, m_bases);
    if (m_plan.blobs.empty() && m_options.content == ShipContent::blobs) {
      m_reporter.say("those sites lack nothing, so statements alone are written");
    }
    base::Hasher wish;
    wish.update(fmt::format("airlock ship 1\n{}\n{}\n{}\n{}\n", m_verified.bundle_id(),
                            m_options.content == ShipContent::statements, m_options.volume_size.value_or(0),
                            m_target.whole_set() ? m_target.folder.string() + "/" : m_target.file.string()));
    for (const bundle::WrittenBlob& blob : m_plan.blobs) {
      wish.update(blob.sha256.hex() + "\n");
    }
    m_run.wish = wish.finish();
  }

  void take_up_interrupted() {
    const auto interrupted = m_journal.read();
    if (!interrupted) {
      return;
    }
    if (m_options.restart || interrupted->plan.wish != m_run.wish || interrupted->plan.serial != serial()) {
      if (!m_options.restart) {
        m_reporter.warning(fmt::format("dropping what another sending left in {} when it was interrupted",
                                       interrupted->plan.head.parent_path().string()));
      }
      for (const fs::path& file : partial_files(interrupted->plan.head, interrupted->plan.stem)) {
        std::error_code ignored;
        fs::remove(file, ignored);
      }
      m_journal.end();
      return;
    }
    m_run = interrupted->plan;
    m_report.continued = true;
    m_reporter.say(fmt::format("continuing sending {} of serial {}, which was interrupted; --restart would begin anew",
                               m_run.shipment, serial()));
    std::error_code ignored;
    if (fs::is_regular_file(m_run.head, ignored)) {
      try {
        m_finished = bundle::Head::read(m_run.head).hint().set == set();
      } catch (const Error&) {
        m_finished = false;  // another file has that name; giving it the final one will say so
      }
    }
  }

  void choose_names() {
    if (m_report.continued) {
      return;
    }
    m_run.serial = serial();
    m_run.shipment = m_statements.shipments() + 1;
    m_run.created = created();
    m_run.stem = m_target.stem_of(stem());
    m_run.head = m_target.head(stem());
    require_free(m_target, stem());
    m_run.volume_size =
        settle_volume_size(base::space_info(existing_parent(m_target.folder)), m_options.volume_size, m_reporter);
    m_run.head_room = room_for_head();
  }

  // What the head had, with an index of every image in it.
  std::uint64_t room_for_head() const {
    bundle::HeadContents trial = m_statements.contents();
    trial.oci_index = bundle::build_oci_index(images(), [](const base::Digest&) { return true; });
    trial.shipment.resize(m_statements.contents().shipment.size() + m_bases.size() * 128);  // "{serial, bundle}" each
    const auto bytes = bundle::build_head(trial, std::nullopt, bundle::HeadEnd::blobs_follow, bundle::k_spare_room);
    return (bytes.value().size() + bundle::k_room_unit - 1) / bundle::k_room_unit * bundle::k_room_unit;
  }

  std::vector<model::FileRow> images() const {
    std::vector<model::FileRow> rows;
    m_verified.for_each_row([&](const model::FileRow& row) {
      if (row.ecosystem == "oci" && has_blob(row)) {
        rows.push_back(row);
      }
    });
    return rows;
  }

  bundle::OutputPlan output_plan() const {
    bundle::OutputPlan plan;
    plan.directory = m_target.folder;
    plan.stem = m_run.stem;
    plan.single_file = m_target.file;
    plan.volume_size = m_plan.blobs.empty() ? std::optional(k_any_volume_size) : m_run.volume_size;
    plan.head_room = m_run.head_room;
    plan.hint = bundle::head_hint(channel(), serial(), m_run.shipment, created());
    plan.mtime = static_cast<std::uint64_t>(created().time_since_epoch().count());
    if (m_run.volume_size && !m_plan.blobs.empty()) {
      plan.volumes = bundle::count_volumes(lengths(), *m_run.volume_size);
    }
    return plan;
  }

  std::vector<std::uint64_t> lengths() const {
    std::vector<std::uint64_t> lengths;
    for (const bundle::WrittenBlob& blob : m_plan.blobs) {
      lengths.push_back(blob.length);
    }
    return lengths;
  }

  void write() {
    const auto map = bundle::BlobMap::scan(m_head, m_options.volumes, m_verified.blobs());
    LocalBlobs local(m_home, m_channel.bundles(), m_reporter);
    local.prefer(map);
    require_sources(m_plan, m_verified, map, local);
    const std::uint64_t size = m_plan.blobs.empty()
                                   ? m_run.head_room
                                   : bundle::output_size(lengths(), m_run.volume_size, m_run.head_room) +
                                         (m_run.volume_size ? m_run.head_room : 0);
    require_space(m_target.folder, size, total_size(partial_files(m_run.head, m_run.stem)));

    base::make_directories(m_target.folder);
    std::optional<bundle::BundleOutput> output;
    CopyStart start;
    if (m_report.continued) {
      output.emplace(bundle::BundleOutput::resume(output_plan(), m_plan.blobs, start.complete, start.begun));
    } else {
      model::Lock no_rows;
      no_rows.channel = channel();
      m_journal.begin(m_run, no_rows);
      bundle::OutputPlan plan = output_plan();
      if (!plan.volume_size) {
        plan.head = head_bytes({}, plan.head_room);  // all of it is known, so the file can be hashed as it is written
      }
      output.emplace(std::move(plan));
    }
    WindowOptions window = m_options.window;
    window.spool_directory = m_journal.folder() / "spool";
    window.workers = std::min(window.workers, k_readers);
    window.block = std::max(window.block, k_read_block);
    window.spill_limit = 0;  // what is read from a disk comes back from it no faster
    copy_blobs(m_plan.blobs, start, local, *output, window, m_reporter);
    auto result =
        output->finish([&](std::optional<std::uint64_t> room) { return head_bytes(output->volumes(), room); });
    m_digests = std::move(result.digests);
    m_report.bundle = result.head;
    m_report.volumes = result.volumes;
    m_report.bytes = result.bytes;
    m_report.bytes_written = output->bytes_written();
  }

  Shipment make_shipment(const std::vector<bundle::VolumeRecord>& volumes) const {
    Shipment shipment;
    shipment.number = m_run.shipment;
    shipment.kind = m_plan.kind();
    shipment.bases = named_bases(m_bases);
    shipment.volumes = volumes;
    shipment.blobs = m_plan.blobs.size();
    shipment.bytes = m_plan.bytes;
    shipment.omitted = bundle::omitted_digest(m_plan.omitted);
    shipment.omitted_blobs = m_plan.omitted.size();
    return shipment;
  }

  std::optional<std::string> head_bytes(const std::vector<bundle::VolumeRecord>& volumes,
                                        std::optional<std::uint64_t> room) {
    bundle::HeadContents head = m_statements.contents();
    const Shipment shipment = make_shipment(volumes);
    if (shipment.kind == Shipment::Kind::delta && shipment.volumes.empty()) {
      std::unordered_set<base::Digest> held;
      for (const bundle::WrittenBlob& blob : m_plan.blobs) {
        held.insert(blob.sha256);
      }
      head.oci_index =
          bundle::build_oci_index(images(), [&](const base::Digest& digest) { return held.contains(digest); });
    }
    const bool renew = shipment.kind == Shipment::Kind::metadata || m_statements.unknown() > 0;
    bundle::seal(head, shipment, m_now, m_signers,
                 renew ? bundle::Timestamping::renew : bundle::Timestamping::keep_fresh, m_statements.unknown());
    // Before anybody can see it: no later sending may say something else under this version.
    m_channel.set_last_sending(m_verified.bundle_id(),
                               {.shipment = m_run.shipment, .timestamp = head.metadata.at("timestamp.json")});
    m_sealed = head;
    return bundle::build_head(head, room, room ? bundle::HeadEnd::blobs_follow : bundle::HeadEnd::alone,
                              room ? 0 : bundle::k_spare_room);
  }

  // The head has its name, but the run did not come to its end.
  void load_finished() {
    const bundle::Head head = bundle::Head::read(m_run.head);
    m_sealed = head.contents();
    m_report.bundle = m_run.head;
    m_report.bytes = fs::file_size(m_run.head);
    for (std::uint64_t volume = 1; volume <= head.hint().volumes; ++volume) {
      m_report.volumes.push_back(m_target.folder / bundle::volume_file_name(m_run.stem, volume));
      m_report.bytes += fs::file_size(m_report.volumes.back());
    }
  }

  void carry() {
    CarryOptions options;
    options.head = m_report.bundle;
    options.volumes = m_report.volumes;
    options.digests = m_digests;
    options.stem = stem();
    options.extent = m_target.whole_set() ? CarryOptions::Extent::whole_set : CarryOptions::Extent::nothing;
    options.root = m_signers.roots.back();
    options.present = m_finished ? CarryOptions::Present::replace : CarryOptions::Present::refuse;
    if (const auto last = m_channel.last(); last && last->hint().serial == serial()) {
      options.previous = m_channel.before_last();
    }
    options.now = m_now;
    options.readback = m_options.readback;
    const CarryReport carried = write_carry_set(m_home, options, m_reporter);
    m_report.others = carried.files;
    m_report.bytes_written += carried.bytes_written;
    m_report.read_back = carried.read_back;
    m_report.removable = carried.removable;
  }

  void remember() {
    std::vector<fs::path> volumes;
    for (const fs::path& volume : m_report.volumes) {
      volumes.push_back(fs::absolute(volume));
    }
    m_channel.add_bundle({.serial = serial(),
                          .set = set(),
                          .head = fs::absolute(m_report.bundle),
                          .volumes = std::move(volumes),
                          .bases = named_bases(m_bases)});
    m_journal.end();

    m_report.channel = channel();
    m_report.serial = serial();
    m_report.shipment = m_run.shipment;
    m_report.bundle_id = m_verified.bundle_id();
    m_report.kind = m_plan.kind();
    m_report.blobs = m_verified.blobs().size();
    m_report.blobs_included = m_plan.blobs.size();
    m_report.blobs_omitted = m_plan.omitted.size();
    m_report.blobs_revoked = m_plan.revoked;
    m_report.bytes_copied = m_plan.bytes;
    m_report.approvals = m_verified.approvals();
    const std::string& timestamp = m_sealed.metadata.at("timestamp.json");
    m_report.new_timestamp = timestamp != m_head.metadata("timestamp.json").value_or("");
    m_report.timestamp_expires =
        trust::parse_timestamp(trust::parse_signed(timestamp, "timestamp.json", trust::k_timestamp_limit)).expires;
  }

  const Home& m_home;
  const ShipOptions& m_options;
  base::Reporter& m_reporter;
  const bundle::SigningSet m_signers;
  const base::Time m_now;
  const BundleFiles m_files;  // where approvals may lie that came after a medium was closed
  const bundle::Head m_head;
  const bundle::VerifiedBundle m_verified;
  const ChannelState m_channel;
  const Target m_target;
  std::optional<base::FileLock> m_lock;
  ShipStatements m_statements;

  RunJournal m_journal;
  RunPlan m_run;
  bool m_finished = false;
  std::vector<BaseState> m_bases;
  ShipPlan m_plan;
  bundle::HeadContents m_sealed;
  std::map<fs::path, base::Digest> m_digests;  // of the files of the set, where they are known
  ShipReport m_report;
};

}  // namespace

ShipReport ship_bundle(const Home& home, const ShipOptions& options, const KeyRing& keys, const base::Clock& clock,
                       base::Reporter& reporter) {
  return ShipRun(home, options, keys, clock, reporter).run();
}

}  // namespace airlock::workflow
