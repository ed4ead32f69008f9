#include "far_fixture.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/receipt.hpp"

namespace airlock::test {

namespace {

constexpr std::size_t k_limit = 64u << 20;  // bytes

}  // namespace

Site::Site(const ProducerKeys* keys) : home{folder.path() / "home", folder.path() / "home"} {
  if (keys != nullptr) {
    workflow::pin_root(home, keys->first_root(), {});
  }
}

workflow::ImportOptions Site::options(const std::vector<fs::path>& bundles) const {
  workflow::ImportOptions options;
  options.home = home;
  options.bundles = bundles;
  return options;
}

workflow::ImportReport Site::import(const std::vector<fs::path>& bundles) {
  return workflow::import_bundles(options(bundles), clock, reporter);
}

workflow::VerifyReport Site::verify(const fs::path& bundle, const std::vector<fs::path>& volumes) {
  return workflow::verify_bundle({.bundle = bundle, .volumes = volumes, .root = {}, .home = home, .wall = clock.now()},
                                 reporter);
}

fs::path Site::receipt(const std::string& name) const {
  const fs::path path = folder.path() / name;
  workflow::write_receipt_file(workflow::make_receipt(state(), clock.now()), path);
  return path;
}

workflow::StatusReport Site::status(std::chrono::days stale_after) const {
  return workflow::examine_status({.home = home, .wall = clock.now(), .stale_after = stale_after});
}

std::vector<store::Generation> Site::generations() const {
  if (!fs::exists(home.root / "airlock.db")) {
    return {};
  }
  return state().generations();
}

std::optional<std::string> Site::served(std::string_view ecosystem, std::string_view path) const {
  const auto catalog = store::Catalog::open_current(home.root);
  if (!catalog) {
    return std::nullopt;
  }
  const auto row = catalog->find(ecosystem, path);
  if (!row || !row->sha256) {
    return std::nullopt;
  }
  const auto slice = store::BlobStore(home.blobs()).open(*row->sha256);
  if (!slice) {
    return std::nullopt;
  }
  base::FileSource source(slice->fd->get(), slice->offset, slice->length, "blob");
  return base::read_all(source, k_limit);
}

std::string Site::fingerprint() const {
  if (!fs::exists(home.root / "airlock.db")) {
    return "nothing";
  }
  const auto state = this->state();
  const auto entries = state.audit_entries();
  const auto changes =
      std::count_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.action != "import-refused"; });
  std::string text = fmt::format("catalog {} audit {}", store::current_catalog_number(home.root), changes);
  for (const auto& generation : state.generations()) {
    text += fmt::format(" {}:{}:{}", generation.id, generation.serial, generation.active);
  }
  return text;
}

States::States(int count, const std::vector<BundleFile>& same) {
  for (int i = 0; i < count; ++i) {
    std::vector<BundleFile> files = same;
    files.insert(files.begin(), text_file("a.txt", fmt::format("state {}", i + 1)));
    BundlePlan plan{.serial = static_cast<std::uint64_t>(i + 1), .created = bundle_time(i)};
    if (!made.empty()) {
      plan.previous = made.back().contents;
    }
    made.push_back(make_bundle(medium.path(), files, keys, plan));
  }
}

void States::take(std::size_t index) {
  site.clock.set(bundle_time(static_cast<int>(index) + 1));
  site.import({made.at(index).head});
}

ThreeStates::ThreeStates() : States(3, {text_file("same.txt", "x")}) {
  for (std::size_t i = 0; i < made.size(); ++i) {
    take(i);
  }
}

bool ThreeStates::has(std::string_view content) const {
  return store::BlobStore(site.home.blobs()).open(base::sha256(content)).has_value();
}

SmallDisk::SmallDisk(const std::string& size)
    : m_mounted(geteuid() == 0 && mount("tmpfs", m_folder.path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0) {
  if (!m_mounted) {
    WARN("skipped: a small file system needs root");
  }
}

SmallDisk::~SmallDisk() {
  if (m_mounted) {
    umount2(m_folder.path().c_str(), MNT_DETACH);
  }
}

void SmallDisk::take_home_of(Site& site) const {
  fs::copy(site.home.root, path() / "home", fs::copy_options::recursive);
  site.home = {path() / "home", path() / "home"};
}

void SmallDisk::resize(const std::string& size) const {
  CHECK(mount(nullptr, m_folder.path().c_str(), nullptr, MS_REMOUNT, ("size=" + size).c_str()) == 0);
}

void SmallDisk::fill() const {
  std::ofstream ballast(path() / "ballast");
  const std::string block(4096, 'x');
  while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
}

void SmallDisk::empty() const {
  fs::remove(path() / "ballast");
}

std::vector<BundleFile> big_files(int count, std::size_t size) {
  std::vector<BundleFile> files;
  for (int i = 0; i < count; ++i) {
    std::string content = fmt::format("file {} ", i);
    content.resize(size, static_cast<char>('a' + i % 26));
    files.push_back(text_file(fmt::format("data/{:04}.bin", i), std::move(content)));
  }
  return files;
}

void flip_bit(const fs::path& file, std::uint64_t offset) {
  auto text = text_of(file);
  text.at(offset) = static_cast<char>(text.at(offset) ^ 1);
  base::write_file_atomic(file, text);
}

void cut(const fs::path& file, std::uint64_t length) {
  fs::resize_file(file, length);
}

std::string text_of(const fs::path& file) {
  return base::read_file(file, k_limit);
}

std::uint64_t offset_of(const fs::path& file, std::string_view needle) {
  const auto place = text_of(file).find(needle);
  REQUIRE(place != std::string::npos);
  return place;
}

bool has_finding(const workflow::VerifyReport& report, base::ErrorCode code, std::string_view in_text) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const base::Finding& finding) {
    return finding.code == code && (finding.subject + " " + finding.message).find(in_text) != std::string::npos;
  });
}

}  // namespace airlock::test
