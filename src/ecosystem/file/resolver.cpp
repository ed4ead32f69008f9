#include "ecosystem/file/resolver.hpp"

#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/file/local_file.hpp"
#include "ecosystem/file/paths.hpp"
#include "ecosystem/remote_file.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::file {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Url;

namespace {

constexpr std::string_view k_local_origin = "file:";

std::string purl_of(const std::string& path, const std::string& download_url) {
  model::Purl purl;
  purl.type = "generic";
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos) {
    purl.namespace_ = path.substr(0, slash);
  }
  purl.name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (!download_url.empty()) {
    purl.qualifiers["download_url"] = download_url;
  }
  return purl.to_string();
}

class FileResolver : public Resolver {
 public:
  explicit FileResolver(const ResolveContext& context) : m_context(context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override {
    if (entry.has("url")) {
      resolve_url(entry, emit);
    } else {
      resolve_local(entry, emit);
    }
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    if (!row.origin.starts_with(k_local_origin)) {
      return std::make_unique<RemoteFile>(m_context, Url::parse(row.origin), row.length,
                                          row.sha256 ? RemoteFile::Proof::digest : RemoteFile::Proof::none);
    }
    return std::make_unique<LocalFetchable>(on_disk(row.path), row.length);
  }

 private:
  void resolve_url(const model::Entry& entry, const Emit& emit) {
    const Url url = checked_url(entry.text("url"), entry.position_of("url"));
    model::FileRow row = new_row(entry, path_for_url(entry, url));
    row.origin = url.to_string();
    row.artifact = purl_of(row.path, row.origin);
    if (entry.has("sha256")) {
      row.sha256 = Digest::parse_sha256_hex(entry.text("sha256"));
      row.pin = row.sha256->to_string();
      row.verified = model::Verified::upstream_digest;
    }
    row.length = base::with_context([&] { return fmt::format("while looking for {}", url.redacted()); },
                                    [&] { return probe_length(m_context, url); });
    emit({.row = std::move(row), .content = std::nullopt});
  }

  void resolve_local(const model::Entry& entry, const Emit& emit) {
    for (const LocalFile& file : local_files(entry, m_context.reporter)) {
      model::FileRow row = new_row(entry, file.path);
      const LocalContent content = read_content(file.on_disk);
      row.origin = std::string(k_local_origin) + file.on_disk.filename().string();
      row.artifact = purl_of(row.path, "");
      row.length = content.length;
      row.sha256 = content.sha256;
      if (entry.has("sha256")) {
        if (entry.text("sha256") != content.sha256.hex()) {
          throw Error(ErrorCode::tampered, fmt::format("'{}' has the SHA-256 {}, not the one that is given",
                                                       file.on_disk.string(), content.sha256.hex()))
              .at(entry.position_of("sha256"));
        }
        row.pin = content.sha256.to_string();
        row.verified = model::Verified::upstream_digest;
      }
      {
        const std::scoped_lock lock(m_mutex);
        m_on_disk[file.path] = file.on_disk;
      }
      emit({.row = std::move(row), .content = std::nullopt});
    }
  }

  static model::FileRow new_row(const model::Entry& entry, std::string path) {
    model::FileRow row;
    row.ecosystem = "file";
    row.path = std::move(path);
    row.media_type = entry.has("media_type") ? entry.text("media_type") : "application/octet-stream";
    return row;
  }

  // Where a local file lies: known from this run, else from the manifest, since a lock names no folders of this host.
  fs::path on_disk(const std::string& path) {
    const std::scoped_lock lock(m_mutex);
    if (const auto found = m_on_disk.find(path); found != m_on_disk.end()) {
      return found->second;
    }
    base::SilentReporter silent;
    for (const model::Entry* entry : m_context.manifest.section("files")) {
      if (!entry->has("source")) {
        continue;
      }
      for (const LocalFile& file : local_files(*entry, silent)) {
        m_on_disk.emplace(file.path, file.on_disk);
      }
    }
    if (const auto found = m_on_disk.find(path); found != m_on_disk.end()) {
      return found->second;
    }
    throw Error(ErrorCode::lock, fmt::format("no manifest says where the local file for '{}' lies", path))
        .with_hint("a lock names local files without their folders; give the manifest with -m as well, or instead");
  }

  const ResolveContext m_context;
  std::mutex m_mutex;
  std::map<std::string, fs::path> m_on_disk;  // by path as served
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<FileResolver>(context);
}

}  // namespace airlock::ecosystem::file
