// A connected host for tests: a home with keys, a folder to write to, a web server with files, and short forms of the
// commands.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "bundle/blob_map.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "support/fault_server.hpp"
#include "support/recording_reporter.hpp"
#include "workflow/base_state.hpp"
#include "workflow/create.hpp"

namespace airlock::test {

namespace fs = std::filesystem;

// Bytes that look like nothing, the same for the same seed.
inline std::string content_for(unsigned seed, std::size_t length) {
  std::string text(length, '\0');
  std::uint64_t state = seed * 2654435761U + 12345;
  for (char& c : text) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

// What a bundle holds, as somebody who only trusts the root sees it: every blob read and hashed.
struct HeldBundle {
  std::uint64_t serial = 0;
  std::set<std::string> paths;                 // of rows that have a blob
  std::map<std::string, std::string> present;  // path -> content, of blobs that are in the files
  std::uint64_t omitted = 0;
  bundle::Shipment shipment;
  std::vector<bundle::Attachment> attachments;
};

class NearHost {
 public:
  NearHost() {
    workflow::KeysInitOptions options;
    workflow::init_keys(m_home, options, m_clock);
    m_keys = std::make_unique<workflow::KeyRing>(m_home, std::nullopt);
    fs::create_directories(out());
  }

  fs::path root() const { return m_folder.path(); }
  fs::path out() const { return m_folder.path() / "out"; }
  const workflow::Home& home() const { return m_home; }
  const workflow::KeyRing& keys() const { return *m_keys; }
  const base::FixedClock& clock() const { return m_clock; }
  RecordingReporter& reporter() { return m_reporter; }

  // Puts a file on the web server.
  void serve(FaultServer& server, const std::string& path, const std::string& content) const {
    server.script(path, {{.body = content}});
  }

  // A manifest with a URL a line, pinned where a digest is given.
  fs::path manifest(const std::string& text, const std::string& name = "site.yaml") const {
    const fs::path path = root() / name;
    base::write_file_atomic(path, text);
    return path;
  }

  workflow::CreateOptions options(const fs::path& manifest) const {
    workflow::CreateOptions result;
    result.manifests = {manifest};
    result.output = out().string() + "/";
    result.readback = workflow::Readback::never;
    result.window.memory = 1u << 20;
    result.window.segment = 64u << 10;
    result.window.block = 16u << 10;
    result.window.workers = 4;
    return result;
  }

  workflow::CreateReport create(const workflow::CreateOptions& options) {
    return workflow::create_bundle(m_home, options, m_keys.get(), m_clock, m_reporter);
  }

  HeldBundle open(const fs::path& path) const {
    const bundle::Head head = bundle::Head::read(path);
    const bundle::VerifiedBundle verified = workflow::verify_own_head(head, m_home);
    const bundle::BlobMap map = bundle::BlobMap::scan(head, {});
    HeldBundle held;
    held.serial = verified.descriptor().serial;
    held.shipment = verified.shipment();
    held.attachments = verified.attachments();
    std::set<base::Digest> absent;
    verified.for_each_row([&](const model::FileRow& row) {
      if (!row.sha256) {
        return;
      }
      held.paths.insert(row.path);
      if (const auto location = map.find(*row.sha256)) {
        bundle::BlobSource source(*location);
        held.present[row.path] = base::read_all(source, 1u << 30);
        CHECK(base::sha256(held.present[row.path]) == *row.sha256);
      } else {
        absent.insert(*row.sha256);
      }
    });
    held.omitted = absent.size();
    CHECK(held.omitted == held.shipment.omitted_blobs);
    for (const auto& attachment : held.attachments) {
      CHECK(map.find(attachment.sha256));
    }
    return held;
  }

  std::vector<std::string> names_in(const fs::path& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }

 private:
  base::TempDir m_folder;
  workflow::Home m_home{.root = m_folder.path() / "home", .config = m_folder.path() / "home"};
  base::FixedClock m_clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  std::unique_ptr<workflow::KeyRing> m_keys;
  RecordingReporter m_reporter;
};

inline std::string read_whole(const fs::path& path) {
  return base::read_file(path, 1u << 30);
}

// "- { url: …, path: NAME }", pinned when `content` is given.
inline std::string url_entry(const FaultServer& server, const std::string& path, const std::string& content = "") {
  std::string entry = "  - { url: \"" + server.url(path) + "\", path: \"files" + path + "\"";
  if (!content.empty()) {
    entry += ", sha256: " + base::sha256(content).hex();
  }
  return entry + " }\n";
}

}  // namespace airlock::test
