// The index as the resolver sees it: pages and metadata, each fetched once, from as many indexes as pip is told of.
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ecosystem/pypi/index_page.hpp"
#include "ecosystem/pypi/lazy.hpp"
#include "ecosystem/pypi/metadata.hpp"
#include "ecosystem/pypi/pip_config.hpp"
#include "ecosystem/remote_zip.hpp"

namespace airlock::ecosystem::pypi {

struct Page : IndexPage {
  base::Url url;  // of the first index that has it
};

struct FileMetadata {
  std::string text;  // the file itself
  Metadata parsed;
  bool stated = false;                          // it came from the index
  std::vector<Requirement> build_requirements;  // of a source archive: what building it needs
};

class Index {
 public:
  explicit Index(const ResolveContext& context);

  // nullptr: no index has the project. Throws upstream for what is no index page.
  std::shared_ptr<const Page> page(const std::string& project);
  // Of a wheel: FILE.metadata where the index promises it, else read out of the wheel by ranges. Of a source archive:
  // its PKG-INFO, for which the whole archive is fetched. Throws malformed where it does not belong to the file.
  std::shared_ptr<const FileMetadata> metadata(const IndexFile& file);
  // A small member of a wheel; nullopt where `matches` takes none.
  std::optional<std::string> member(const IndexFile& file, const std::function<bool(std::string_view)>& matches,
                                    std::size_t limit);
  // `url`'s bytes, with this host's credentials.
  std::unique_ptr<Fetchable> fetchable(const base::Url& url, std::optional<std::uint64_t> length);

 private:
  const IndexSettings& settings();
  Access access(const base::Url& url);
  std::shared_ptr<const Page> fetch_page(const std::string& project);
  std::optional<Page> page_of(const base::Url& index, const std::string& project);
  std::uint64_t length_of(const base::Url& url);
  RemoteZip open_wheel(Fetchable& content, const IndexFile& file);
  std::string stated_metadata(const IndexFile& file);
  std::string wheel_metadata(const IndexFile& file);
  FileMetadata fetch_metadata(const IndexFile& file);
  FileMetadata sdist_metadata(const IndexFile& file);

  const ResolveContext m_context;
  Lazy<IndexSettings> m_settings;
  std::mutex m_mutex;
  std::map<std::string, std::shared_ptr<Lazy<std::shared_ptr<const Page>>>> m_pages;
  std::map<std::string, std::shared_ptr<Lazy<std::shared_ptr<const FileMetadata>>>> m_metadata;  // by URL
};

}  // namespace airlock::ecosystem::pypi
