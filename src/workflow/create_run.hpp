// One `bundle create`, step by step. For create.cpp and its helpers only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "bundle/authoring.hpp"
#include "bundle/volume_writer.hpp"
#include "http/client.hpp"
#include "workflow/base_state.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/blob_sources.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/create.hpp"
#include "workflow/prefetch.hpp"
#include "workflow/run_journal.hpp"
#include "workflow/scan_settings.hpp"
#include "workflow/state_documents.hpp"
#include "workflow/target.hpp"
#include "workflow/wish.hpp"

namespace airlock::workflow {

class CreateRun {
 public:
  CreateRun(const Home& home, const CreateOptions& options, const KeyRing* keys, const base::Clock& clock,
            base::Reporter& reporter);

  CreateReport run();

 private:
  // What there is before anything is fetched (create.cpp).
  void load_previous();
  void choose_names();

  // What an earlier call of the same command left (create_resume.cpp).
  void find_interrupted();
  void take_up_interrupted();
  void keep_finished(const RunPlan& plan, const std::optional<bundle::HeadContents>& last);
  void require_same_place(const RunJournal::Interrupted& found) const;
  void drop(const RunPlan& plan);
  void load_finished();
  bool has_signed() const { return m_finished || m_signed; }
  std::optional<StateDocuments> signed_documents() const;
  bundle::AuthoredState signed_state() const;
  void claim_serial();

  // What is to be in the bundle.
  void connect();
  void determine_state();
  model::Lock resolve_anew();
  void add_previous_rows();
  void refuse_revoked() const;
  void require_belonging() const;
  void add_layout();
  void plan_blobs();
  void check_room();
  CreateReport plan_report();

  // Making it (create_write.cpp).
  void begin_output();
  void fill();
  void scan();  // create_scan.cpp
  bundle::BundleOutput::Result author();
  std::optional<std::string> head_bytes(const bundle::AuthoredState& state, std::optional<std::uint64_t> room);
  bundle::Shipment make_shipment(const bundle::AuthoredState& state);
  bundle::OutputPlan output_plan() const;

  // Afterwards.
  void add_bundle(const std::filesystem::path& head, const std::vector<std::filesystem::path>& volumes) const;
  void carry();
  void remember();
  CreateReport report() const;
  void tell_of_changes(CreateReport& result) const;

  const Home& m_home;
  const CreateOptions& m_options;
  const KeyRing* m_keys;
  const base::Clock& m_clock;
  base::Reporter& m_reporter;

  Target m_target;
  Wish m_wish;
  ChannelState m_channel;
  std::optional<base::FileLock> m_lock_file;
  std::vector<BaseState> m_bases;
  std::vector<base::Digest> m_held;
  std::optional<bundle::Head> m_previous_head;
  std::optional<bundle::HeadContents> m_previous;  // of that head
  std::uint64_t m_previous_serial = 0;

  RunJournal m_journal;
  RunPlan m_run;
  std::optional<RunJournal::Interrupted> m_interrupted;
  bool m_finished = false;  // the bundle has its name already; only what comes after was interrupted
  std::optional<bundle::HeadContents> m_signed;  // by the run that was interrupted

  std::unique_ptr<http::Client> m_client;
  std::unique_ptr<Upstreams> m_upstreams;
  std::unique_ptr<LocalBlobs> m_local;
  std::unique_ptr<BlobSources> m_sources;
  std::unique_ptr<Prefetch> m_prefetch;

  model::Lock m_state;  // with the layout's rows
  BlobPlan m_plan;
  bundle::SigningSet m_signers;
  std::optional<StateDocuments> m_documents;
  std::optional<bundle::BundleOutput> m_output;
  bundle::HeadContents m_head;
  bundle::Shipment m_shipment;
  std::map<std::filesystem::path, base::Digest> m_digests;  // of the files of the set, where they are known
  std::optional<ScanSettings> m_scan;                       // where the site's policy has a scanner for create
  CreateReport m_report;
};

}  // namespace airlock::workflow
