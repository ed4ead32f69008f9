#include "base/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <fmt/format.h>

#include <algorithm>
#include <clocale>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::uint64_t k_largest_count = 1'000'000;  // members

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path)
      : m_fd(open_for_reading(path)), m_name(printable(path.native())), m_archive(archive_read_new()) {
    if (!m_archive) {
      throw std::bad_alloc();
    }
    // By name, never "all": most of libarchive's defects are in formats that nobody here needs.
    archive_read_support_filter_gzip(m_archive.get());
    archive_read_support_filter_xz(m_archive.get());
    archive_read_support_filter_zstd(m_archive.get());
    archive_read_support_filter_bzip2(m_archive.get());
    archive_read_support_format_tar(m_archive.get());
    archive_read_support_format_zip(m_archive.get());
    constexpr std::size_t block_size = std::size_t{256} * 1024;
    if (archive_read_open_fd(m_archive.get(), m_fd.get(), block_size) != ARCHIVE_OK) {
      fail();
    }
  }

  // The next member of any kind; nullptr at the end.
  archive_entry* next() {
    throw_if_interrupted();
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(m_archive.get(), &entry);
    if (result == ARCHIVE_EOF) {
      return nullptr;
    }
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      fail();
    }
    if (++m_count > k_largest_count) {
      throw Error(ErrorCode::limit, fmt::format("the archive '{}' has more than {} members", m_name, k_largest_count));
    }
    return entry;
  }

  std::size_t read(std::span<std::byte> buffer) {
    throw_if_interrupted();
    if (buffer.empty()) {
      return 0;
    }
    const la_ssize_t got = archive_read_data(m_archive.get(), buffer.data(), buffer.size());
    if (got < 0) {
      fail();
    }
    return static_cast<std::size_t>(got);
  }

 private:
  struct Free {
    void operator()(struct archive* archive) const { archive_read_free(archive); }
  };

  [[noreturn]] void fail() const {
    const char* const reason = archive_error_string(m_archive.get());
    throw Error(ErrorCode::malformed, fmt::format("the archive '{}' cannot be read: {}", m_name,
                                                  printable(reason == nullptr ? "unknown reason" : reason)));
  }

  Fd m_fd;
  std::string m_name;
  std::unique_ptr<struct archive, Free> m_archive;
  std::uint64_t m_count = 0;
};

class Content : public ByteSource {
 public:
  explicit Content(Reader& reader) : m_reader(reader) {}
  std::size_t read(std::span<std::byte> buffer) override { return m_reader.read(buffer); }

 private:
  Reader& m_reader;
};

// libarchive converts names by the locale of the thread, and in plain C it cannot convert what is not ASCII.
class Utf8Locale {
 public:
  Utf8Locale() : m_locale(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (m_locale != nullptr) {
      m_before = uselocale(m_locale);
    }
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (m_locale != nullptr) {
      uselocale(m_before);
      freelocale(m_locale);
    }
  }

 private:
  locale_t m_locale;
  locale_t m_before = nullptr;
};

std::string name_of(archive_entry* entry) {
  // The second form is for names that are not UTF-8 at all.
  for (const char* const name : {archive_entry_pathname_utf8(entry), archive_entry_pathname(entry)}) {
    if (name != nullptr) {
      return name;
    }
  }
  return {};
}

}  // namespace

void walk_archive(const std::filesystem::path& path, const ArchiveVisitor& visit) {
  const Utf8Locale locale;
  Reader reader(path);
  while (archive_entry* const entry = reader.next()) {
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      continue;
    }
    const auto size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0;
    const ArchiveMember member{.name = name_of(entry),
                               .size = static_cast<std::uint64_t>(std::max<la_int64_t>(size, 0))};
    Content content(reader);
    if (!visit(member, content)) {
      return;
    }
  }
}

void gunzip(std::string_view compressed, ByteSink& sink, std::string_view name) {
  const std::unique_ptr<struct archive, decltype(&archive_read_free)> archive(archive_read_new(), &archive_read_free);
  if (!archive) {
    throw std::bad_alloc();
  }
  const auto fail = [&] {
    const char* const reason = archive_error_string(archive.get());
    throw Error(ErrorCode::malformed, fmt::format("{} cannot be decompressed: {}", name,
                                                  printable(reason == nullptr ? "unknown reason" : reason)));
  };
  archive_read_support_filter_gzip(archive.get());
  archive_read_support_format_raw(archive.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(archive.get(), compressed.data(), compressed.size()) != ARCHIVE_OK ||
      archive_read_next_header(archive.get(), &entry) != ARCHIVE_OK) {
    fail();
  }
  // The raw format takes anything, also what no filter took.
  if (archive_filter_code(archive.get(), 0) != ARCHIVE_FILTER_GZIP) {
    throw Error(ErrorCode::malformed, fmt::format("{} cannot be decompressed: it is no gzip", name));
  }
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  while (true) {
    throw_if_interrupted();
    const la_ssize_t got = archive_read_data(archive.get(), buffer.data(), buffer.size());
    if (got < 0) {
      fail();
    }
    if (got == 0) {
      return;
    }
    sink.write(std::span(buffer).first(static_cast<std::size_t>(got)));
  }
}

}  // namespace airlock::base
