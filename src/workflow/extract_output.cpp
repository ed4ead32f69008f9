#include "workflow/extract_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/tar.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

void copy_exactly(base::ByteSource& content, std::uint64_t length, base::ByteSink& sink, const std::string& name) {
  if (base::copy(content, sink, length) != length) {
    throw Error(ErrorCode::truncated, fmt::format("{} ends before its {} bytes", name, length));
  }
}

fs::path parent_of(const fs::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// Built beside its place and given its name at the end.
class LayoutFolder : public LayoutOutput {
 public:
  explicit LayoutFolder(fs::path target) : m_target(std::move(target)), m_working(parent_of(m_target), ".airlock-") {}

  void add(const std::string& name, std::uint64_t length, base::ByteSource& content) override {
    // Names are of this program's making: oci-layout, index.json, blobs/sha256/<hex>.
    const auto path = m_working.path() / "layout" / name;
    base::make_directories(path.parent_path());
    base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd) {
      throw base::system_error(errno, fmt::format("cannot write {}", path.string()));
    }
    base::FunctionSink sink([&](std::span<const std::byte> data) { base::write_all(fd.get(), data, path.string()); });
    copy_exactly(content, length, sink, name);
  }

  void finish() override {
    const auto layout = m_working.path() / "layout";
    if (::rename(layout.c_str(), m_target.c_str()) != 0) {
      throw base::system_error(errno, fmt::format("cannot give {} its name", m_target.string()));
    }
  }

 private:
  fs::path m_target;
  base::TempDir m_working;
};

class LayoutArchive : public LayoutOutput {
 public:
  explicit LayoutArchive(fs::path target) : m_target(std::move(target)), m_file(parent_of(m_target)) {}

  void add(const std::string& name, std::uint64_t length, base::ByteSource& content) override {
    m_file.write(base::as_bytes(base::tar_header(name, length, 0)));
    copy_exactly(content, length, m_file, name);
    write_zeros(base::tar_padding(length));
  }

  void finish() override {
    write_zeros(base::k_tar_end_size);
    m_file.publish(m_target);
  }

 private:
  void write_zeros(std::uint64_t count) {
    static constexpr std::array<std::byte, base::k_tar_end_size> k_zeros{};
    m_file.write(std::span(k_zeros).first(static_cast<std::size_t>(count)));
  }

  fs::path m_target;
  base::UnnamedFile m_file;
};

}  // namespace

bool names_archive(const fs::path& path) {
  return path.extension() == ".tar";
}

std::unique_ptr<LayoutOutput> make_layout_output(const fs::path& path) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(path, error))) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", path.string()))
        .with_hint("choose another -o, or remove it first");
  }
  if (names_archive(path)) {
    return std::make_unique<LayoutArchive>(path);
  }
  return std::make_unique<LayoutFolder>(path.has_filename() ? path : path.parent_path());
}

}  // namespace airlock::workflow
