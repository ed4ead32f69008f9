#include "workflow/extract.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/layout.hpp"
#include "bundle/oci_index.hpp"
#include "store/denials.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/bundle_rows.hpp"
#include "workflow/extract_output.hpp"
#include "workflow/image_blobs.hpp"
#include "workflow/revocation.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;
using model::FileRow;

constexpr std::size_t k_layout_document_limit = 8u << 20;  // bytes
constexpr std::size_t k_suggested = 5;

bundle::Head open_head(const fs::path& bundle, const std::vector<fs::path>& volumes, std::vector<fs::path>& folders) {
  const auto files = find_bundles({bundle}, volumes);
  if (files.heads.size() > 1) {
    throw Error(ErrorCode::usage, fmt::format("{} holds {} bundles", bundle.string(), files.heads.size()))
        .with_hint("name one of them");
  }
  folders = files.folders;
  return read_approved_head(files.heads.front().path, files).head;
}

// What people write for an image, as the path that a catalog has (docs/ecosystems/oci.md).
std::string image_path(std::string reference) {
  const auto slash = reference.find('/');
  const auto host = reference.substr(0, slash);
  const bool has_host = slash != std::string::npos && (host.find('.') != std::string::npos ||
                                                       host.find(':') != std::string::npos || host == "localhost");
  if (!has_host) {
    reference = (slash == std::string::npos ? "docker.io/library/" : "docker.io/") + reference;
  } else if (const auto colon = host.find(':'); colon != std::string::npos) {
    reference[colon] = '_';
  }
  const auto name = reference.find('/');
  const bool has_tag = reference.find(':', name) != std::string::npos || reference.find('@') != std::string::npos;
  return has_tag ? reference : reference + ":latest";
}

struct Found {
  std::optional<FileRow> file;            // by path
  std::optional<FileRow> image;           // by reference
  std::map<std::string, Digest> layouts;  // layout-only indexes, by path
  std::vector<std::string> near;
};

Found find(const BundleRows& rows, const std::string& what) {
  const auto reference = image_path(what);
  const auto colon = what.find(':');
  const auto ecosystem = colon == std::string::npos ? "" : what.substr(0, colon);
  const auto rest = colon == std::string::npos ? "" : what.substr(colon + 1);
  Found found;
  std::vector<std::string> names;
  rows.for_each([&](const FileRow& row) {
    if (!row.sha256) {
      return;
    }
    const bool is_image = row.ecosystem == "oci" && (row.path == reference || row.path == what);
    if (row.kind == model::Kind::layout) {
      found.layouts.emplace(row.path, *row.sha256);
    } else if (is_image) {
      found.image = row;
    } else if (row.ecosystem != "oci" && (row.path == what || (row.ecosystem == ecosystem && row.path == rest))) {
      found.file = row;
    } else if (row.kind != model::Kind::meta && (row.ecosystem != "oci" || row.kind == model::Kind::tag)) {
      names.push_back(row.path);
    }
  });
  if (!found.file && !found.image) {
    for (const auto& name : names) {
      if (found.near.size() < k_suggested && name.find(what) != std::string::npos) {
        found.near.push_back(name);
      }
    }
    if (const auto near = base::nearest(what, names); near && found.near.empty()) {
      found.near.push_back(*near);
    }
  }
  return found;
}

bundle::BlobLocation locate(const bundle::BlobMap& map, const Digest& sha256) {
  if (auto location = map.find(sha256)) {
    return std::move(*location);
  }
  throw Error(ErrorCode::base_missing, fmt::format("{} is not in the files at hand", sha256.to_string()))
      .with_hint("a delta leaves out what the site has; give missing volumes with --volumes DIR");
}

void require_digest(const Digest& expected, const Digest& actual) {
  if (expected != actual) {
    throw Error(ErrorCode::tampered,
                fmt::format("{} has other content: it hashes to {}", expected.to_string(), actual.to_string()))
        .with_hint("nothing was written; `airlock bundle verify` names the file that is to be copied again");
  }
}

// Hashes what passes through it, so that whoever writes it does not need to.
class HashingSource : public base::ByteSource {
 public:
  explicit HashingSource(base::ByteSource& source) : m_source(&source) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const auto count = m_source->read(buffer);
    m_hasher.update(std::span<const std::byte>(buffer.first(count)));
    return count;
  }
  Digest finish() { return m_hasher.finish(); }

 private:
  base::ByteSource* m_source;
  base::Hasher m_hasher;
};

std::string read_manifest(const bundle::BlobMap& map, const Digest& sha256) {
  bundle::BlobSource source(locate(map, sha256));
  auto text = base::read_all(source, k_layout_document_limit);
  require_digest(sha256, base::sha256(text));
  return text;
}

ImageBlobs blobs_of_image(const bundle::BlobMap& map, const Digest& top) {
  return list_image_blobs(top, {.is_here = [&map](const Digest& digest) { return map.find(digest).has_value(); },
                                .read = [&map](const Digest& digest) { return read_manifest(map, digest); }});
}

void add_text(LayoutOutput& output, const std::string& name, const std::string& text) {
  base::StringSource source(text);
  output.add(name, text.size(), source);
}

// As people write it: the port follows a colon again.
std::string reference_of(const std::string& path) {
  const auto slash = path.find('/');
  auto reference = path;
  const auto mark = path.rfind('_', slash);
  const bool is_port = slash != std::string::npos && mark != std::string::npos && mark + 1 < slash &&
                       std::all_of(path.begin() + static_cast<std::ptrdiff_t>(mark) + 1,
                                   path.begin() + static_cast<std::ptrdiff_t>(slash), base::is_digit);
  if (is_port) {
    reference[mark] = ':';
  }
  return reference;
}

std::string index_text(const FileRow& image, const Digest& top, std::uint64_t size, std::string_view media_type) {
  const Json index = {{"schemaVersion", 2},
                      {"mediaType", bundle::k_oci_index_type},
                      {"manifests",
                       {{{"mediaType", media_type},
                         {"digest", top.to_string()},
                         {"size", size},
                         {"annotations", {{"org.opencontainers.image.ref.name", reference_of(image.path)}}}}}}};
  return index.dump() + "\n";
}

ExtractReport extract_image(const FileRow& image, const Found& found, const bundle::BlobMap& map,
                            const ExtractOptions& options, base::Reporter& reporter) {
  ExtractReport report;
  report.form =
      names_archive(options.output) ? ExtractReport::Form::layout_archive : ExtractReport::Form::layout_folder;
  report.output = options.output;
  report.sha256 = *image.sha256;
  // Docker's own media types are refused at the top of a layout; the bundle carries an index for that.
  auto top = *image.sha256;
  std::string media_type = image.media_type;
  if (const auto layout = found.layouts.find(bundle::layout_row_path(image.path)); layout != found.layouts.end()) {
    top = layout->second;
    media_type = bundle::k_oci_index_type;
  }
  auto image_blobs = blobs_of_image(map, top);
  report.left_out = std::move(image_blobs.left_out);

  std::uint64_t total = 0;
  for (const auto& digest : image_blobs.blobs) {
    total += locate(map, digest).length;
  }
  const auto progress = reporter.task("extracting", total);
  const auto output = make_layout_output(options.output);
  add_text(*output, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}\n");
  add_text(*output, "index.json", index_text(image, top, locate(map, top).length, media_type));
  for (const auto& digest : image_blobs.blobs) {
    auto location = locate(map, digest);
    const auto length = location.length;
    bundle::BlobSource source(std::move(location));
    HashingSource hashing(source);
    output->add("blobs/sha256/" + digest.hex(), length, hashing);
    require_digest(digest, hashing.finish());
    progress->advance(length);
    ++report.blobs;
    report.bytes += length;
  }
  output->finish();
  return report;
}

ExtractReport extract_file(const FileRow& row, const bundle::BlobMap& map, const ExtractOptions& options) {
  ExtractReport report;
  report.output = options.output;
  report.sha256 = *row.sha256;
  std::error_code error;
  if (fs::is_directory(report.output, error) || !report.output.has_filename()) {
    report.output /= fs::path(row.path).filename();
  }
  if (fs::exists(fs::symlink_status(report.output, error))) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", report.output.string()))
        .with_hint("choose another -o, or remove it first");
  }
  auto folder = report.output.parent_path();
  if (folder.empty()) {
    folder = ".";
  }
  base::make_directories(folder);
  base::UnnamedFile file(folder);
  base::HashingSink hashing(file);
  bundle::BlobSource source(locate(map, *row.sha256));
  report.bytes = base::copy(source, hashing);
  require_digest(*row.sha256, hashing.finish());
  report.blobs = 1;
  file.publish(report.output);
  return report;
}

// What its producer revoked, or this home blocks: by digest, and why.
std::map<Digest, std::string> denied_digests(const BundleRows& rows, const bundle::Head& head, const Home& home) {
  std::vector<bundle::Revoked> list;
  if (const auto text = head.unverified_target(bundle::k_revoked_target)) {
    list = bundle::parse_revoked(*text, bundle::k_revoked_target);
  }
  const store::ChannelKey channel{rows.producer(), head.hint().channel};
  std::optional<store::Denials> denials;
  std::error_code ignored;
  if (fs::exists(home.root / "airlock.db", ignored)) {
    const store::StateDb state(home.root, store::StateDb::Access::read);
    denials.emplace(state);
    list = without_overridden(std::move(list), state, channel);
  }
  const Revocations revocations(list);
  std::map<Digest, std::string> denied;
  if (revocations.empty() && (!denials || denials->empty())) {
    return denied;
  }
  rows.for_each([&](const FileRow& row) {
    if (!row.sha256) {
      return;
    }
    if (const auto* denial = denials ? denials->find(channel, row) : nullptr) {
      denied.emplace(*row.sha256, denial->why);
    } else if (const auto* revoked = revocations.find(row)) {
      denied.emplace(*row.sha256, "revoked by its producer" + (revoked->reason.empty() ? "" : ": " + revoked->reason));
    }
  });
  return denied;
}

void refuse_denied(const std::map<Digest, std::string>& denied, const Digest& digest) {
  if (const auto found = denied.find(digest); found != denied.end()) {
    throw Error(ErrorCode::revoked, fmt::format("{} is {}", digest.to_string(), found->second))
        .with_hint("nothing was written; ask for another version");
  }
}

}  // namespace

ExtractReport extract(const ExtractOptions& options, base::Reporter& reporter) {
  std::vector<fs::path> folders;
  const auto head = open_head(options.bundle, options.volumes, folders);
  const BundleRows rows(head, options.home, options.now);
  const auto found = find(rows, options.what);
  if (!found.file && !found.image) {
    auto error = Error(ErrorCode::not_found, fmt::format("the bundle holds neither an image nor a file '{}'",
                                                         base::printable(options.what, 200)));
    error.with_hint(found.near.empty() ? "`airlock bundle inspect BUNDLE` lists what is inside"
                                       : "is it one of these? " + base::join(found.near, ", "));
    throw error;
  }
  const auto map = bundle::BlobMap::scan(head, folders);
  if (const auto denied = denied_digests(rows, head, options.home); !denied.empty()) {
    refuse_denied(denied, found.image ? *found.image->sha256 : *found.file->sha256);
    if (found.image) {
      for (const auto& digest : blobs_of_image(map, *found.image->sha256).blobs) {
        refuse_denied(denied, digest);
      }
    }
  }
  auto report = found.image ? extract_image(*found.image, found, map, options, reporter)
                            : extract_file(*found.file, map, options);
  report.proven = rows.proven();
  return report;
}

std::vector<DigestUse> explain_digest(const fs::path& bundle, const Digest& sha256, const Home& home, base::Time now,
                                      bool& proven) {
  std::vector<fs::path> folders;
  const auto head = open_head(bundle, {}, folders);
  const BundleRows rows(head, home, now);
  proven = rows.proven();
  std::vector<DigestUse> uses;
  rows.for_each([&](const FileRow& row) {
    if (row.sha256 == sha256) {
      uses.push_back({row.ecosystem, row.path, row.artifact, std::string(model::to_string(row.kind)), row.origin,
                      std::string(model::to_string(row.verified)), row.length.value_or(0)});
    }
  });
  return uses;
}

}  // namespace airlock::workflow
