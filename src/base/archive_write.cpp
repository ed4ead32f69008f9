#include "base/archive_write.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_most_members = 1'000'000;
constexpr int k_deepest_folder = 100;

class TarGzWriter {
 public:
  explicit TarGzWriter(ByteSink& sink) : m_sink(sink), m_archive(archive_write_new()) {
    if (!m_archive) {
      throw std::bad_alloc();
    }
    archive_write_add_filter_gzip(m_archive.get());
    // Names of any length as the bytes that they are; pax would convert them by the locale.
    archive_write_set_format_gnutar(m_archive.get());
    archive_write_set_options(m_archive.get(), "gzip:!timestamp");
    archive_write_set_bytes_in_last_block(m_archive.get(), 1);
    check(archive_write_open(m_archive.get(), this, nullptr, &TarGzWriter::pass_on, nullptr));
  }

  void add_folder(const std::string& name) { add(name, AE_IFDIR, 0755, 0, ""); }
  void add_link(const std::string& name, const std::string& target) { add(name, AE_IFLNK, 0777, 0, target); }
  void begin_file(const std::string& name, bool executable, std::uint64_t size) {
    add(name, AE_IFREG, executable ? 0755 : 0644, size, "");
  }
  void write(std::span<const std::byte> data) {
    while (!data.empty()) {
      const la_ssize_t took = archive_write_data(m_archive.get(), data.data(), data.size());
      if (took <= 0) {
        check(ARCHIVE_FATAL);
      }
      data = data.subspan(static_cast<std::size_t>(took));
    }
  }
  void finish() { check(archive_write_close(m_archive.get())); }

 private:
  struct Free {
    void operator()(struct archive* archive) const { archive_write_free(archive); }
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
  };

  // Called by C code: an exception waits in m_failure until it has returned.
  static la_ssize_t pass_on(struct archive*, void* self, const void* data, std::size_t size) {
    auto& writer = *static_cast<TarGzWriter*>(self);
    try {
      writer.m_sink.write(std::span(static_cast<const std::byte*>(data), size));
      return static_cast<la_ssize_t>(size);
    } catch (...) {
      writer.m_failure = std::current_exception();
      return -1;
    }
  }

  void check(int result) {
    if (m_failure) {
      std::rethrow_exception(m_failure);
    }
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      const char* const reason = archive_error_string(m_archive.get());
      throw Error(ErrorCode::io, fmt::format("the archive cannot be written: {}",
                                             printable(reason == nullptr ? "unknown reason" : reason)));
    }
  }

  void add(const std::string& name, unsigned type, unsigned mode, std::uint64_t size, const std::string& target) {
    throw_if_interrupted();
    const std::unique_ptr<archive_entry, Free> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (!target.empty()) {
      archive_entry_set_symlink(entry.get(), target.c_str());
    }
    check(archive_write_header(m_archive.get(), entry.get()));
  }

  ByteSink& m_sink;
  std::exception_ptr m_failure;
  std::unique_ptr<struct archive, Free> m_archive;
};

class Packer {
 public:
  Packer(const fs::path& root, ByteSink& sink, const std::function<bool(const std::string&)>& leave_out)
      : m_root(root), m_writer(sink), m_leave_out(leave_out) {}

  PackedFolder run() {
    walk("", 0);
    m_writer.finish();
    return std::move(m_packed);
  }

 private:
  [[noreturn]] void refuse(const std::string& relative, std::string_view why) const {
    throw Error(ErrorCode::malformed,
                fmt::format("'{}' in {} cannot be packed: {}", printable(relative), printable(m_root.native()), why));
  }

  void walk(const std::string& relative, int depth) {
    if (depth > k_deepest_folder) {
      refuse(relative, "folders are nested too deeply");
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(m_root / relative)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const std::string inner = relative.empty() ? name : relative + "/" + name;
      if (m_leave_out(inner)) {
        m_packed.left_out.push_back(inner);
        continue;
      }
      if (!is_valid_utf8(inner)) {
        refuse(inner, "its name is not UTF-8");
      }
      if (++m_members > k_most_members) {
        throw Error(ErrorCode::limit, fmt::format("{} holds more than {} files", m_root.string(), k_most_members));
      }
      add(inner, depth);
    }
  }

  void add(const std::string& relative, int depth) {
    struct stat about = {};
    if (::lstat((m_root / relative).c_str(), &about) != 0) {
      throw system_error(errno, fmt::format("cannot look at {}", (m_root / relative).string()));
    }
    if (S_ISDIR(about.st_mode)) {
      m_writer.add_folder(relative);
      walk(relative, depth + 1);
    } else if (S_ISREG(about.st_mode)) {
      add_file(relative, (about.st_mode & 0100) != 0);
    } else if (S_ISLNK(about.st_mode)) {
      add_link(relative);
    } else {
      refuse(relative, "it is neither a file, a folder nor a link");
    }
  }

  void add_link(const std::string& relative) {
    const fs::path target = fs::read_symlink(m_root / relative);
    const fs::path end = (fs::path(relative).parent_path() / target).lexically_normal();
    if (target.is_absolute() || (!end.empty() && *end.begin() == "..")) {
      refuse(relative, "it is a link that leads out of the folder");
    }
    m_writer.add_link(relative, target.string());
  }

  void add_file(const std::string& relative, bool executable) {
    const Fd file = open_for_reading(m_root / relative, FollowLinks::no);
    const std::uint64_t size = file_size(file.get(), relative);
    m_writer.begin_file(relative, executable, size);
    FileSource source(file.get(), 0, size, relative);
    FunctionSink sink([this](std::span<const std::byte> data) { m_writer.write(data); });
    copy(source, sink);
    m_packed.files += 1;
    m_packed.bytes += size;
  }

  const fs::path& m_root;
  TarGzWriter m_writer;
  const std::function<bool(const std::string&)>& m_leave_out;
  PackedFolder m_packed;
  std::size_t m_members = 0;
};

}  // namespace

PackedFolder pack_folder(const fs::path& folder, ByteSink& sink,
                         const std::function<bool(const std::string& relative)>& leave_out) {
  return Packer(folder, sink, leave_out).run();
}

}  // namespace airlock::base
