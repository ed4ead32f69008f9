#include "workflow/carry_set.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "workflow/named_keys.hpp"
#include "workflow/readback.hpp"
#include "workflow/transfer_form.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_document_limit = 1u << 30;  // bytes of a file that may be in the way

class CarrySet {
 public:
  CarrySet(const Home& home, const CarryOptions& options, base::Reporter& reporter)
      : m_home(home), m_options(options), m_reporter(reporter), m_folder(options.head.parent_path()) {}

  CarryReport run() {
    const base::SpaceInfo space = base::space_info(m_folder);
    m_report.removable = space.removable;
    if (m_options.extent != CarryOptions::Extent::nothing && !m_options.lock.empty()) {
      put(beside(".lock"), m_options.lock);
    }
    if (m_options.extent == CarryOptions::Extent::whole_set) {
      put_root();
      put_form();
    }
    const bool reads_back =
        m_options.readback == Readback::always || (m_options.readback == Readback::removable_only && space.removable);
    if (reads_back || m_options.extent == CarryOptions::Extent::whole_set) {
      write_sums();
    }
    if (reads_back) {
      read_back(m_digests, m_reporter);
      m_report.read_back = true;
    }
    return std::move(m_report);
  }

 private:
  fs::path beside(std::string_view extension) const { return m_folder / (m_options.stem + std::string(extension)); }

  // Present with the same content is as good as written.
  bool is_there(const fs::path& path, std::string_view content) const {
    const auto present = base::read_file_if_exists(path, k_document_limit);
    return present && *present == content;
  }

  void put(const fs::path& path, std::string_view content) {
    m_report.files.push_back(path);
    if (is_there(path, content)) {
      return;
    }
    std::error_code ignored;
    if (m_options.present == CarryOptions::Present::refuse && fs::exists(fs::symlink_status(path, ignored))) {
      throw Error(ErrorCode::conflict, fmt::format("{} exists already and holds something else", path.string()))
          .with_hint("move it away and run the same command again; the bundle itself is complete");
    }
    base::write_file_atomic(path, content);
    m_report.bytes_written += content.size();
  }

  // One root serves every bundle in the folder; another producer's, or an older one, stays as it is.
  void put_root() {
    const fs::path usual = m_folder / "root.json";
    std::error_code ignored;
    const bool taken = fs::exists(fs::symlink_status(usual, ignored)) && !is_there(usual, m_options.root);
    if (taken) {
      const fs::path other = beside(".root.json");
      m_reporter.say(
          fmt::format("{} is another root, so this one is written to {}", usual.string(), other.filename().string()));
      put(other, m_options.root);
      return;
    }
    put(usual, m_options.root);
  }

  void put_form() {
    const TransferForm form =
        make_transfer_form(bundle::Head::read(m_options.head), m_options.previous, known_names(m_home), m_options.now);
    put(beside(".txt"), form.text);
    put(beside(".html"), form.html);
  }

  void write_sums() {
    std::vector<fs::path> files = {m_options.head};
    files.insert(files.end(), m_options.volumes.begin(), m_options.volumes.end());
    files.insert(files.end(), m_report.files.begin(), m_report.files.end());
    std::erase_if(files, [this](const fs::path& file) { return m_options.digests.contains(file); });
    m_digests = hash_files(files, Cache::use, m_reporter);
    for (const auto& [file, sha256] : m_options.digests) {
      m_digests.push_back({file, sha256});
    }
    std::ranges::sort(m_digests, {}, &FileDigest::file);
    if (m_options.extent != CarryOptions::Extent::whole_set) {
      return;
    }
    std::string sums;
    for (const FileDigest& one : m_digests) {
      sums += fmt::format("{}  {}\n", one.sha256.hex(), one.file.filename().string());
    }
    put(beside(".sha256"), sums);
    m_digests.push_back({beside(".sha256"), base::sha256(sums)});
  }

  const Home& m_home;
  const CarryOptions& m_options;
  base::Reporter& m_reporter;
  const fs::path m_folder;
  std::vector<FileDigest> m_digests;
  CarryReport m_report;
};

}  // namespace

CarryReport write_carry_set(const Home& home, const CarryOptions& options, base::Reporter& reporter) {
  return CarrySet(home, options, reporter).run();
}

}  // namespace airlock::workflow
