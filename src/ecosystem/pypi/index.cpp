#include "ecosystem/pypi/index.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/archive.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/inflate.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/pyproject.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using base::Secret;
using base::Url;

namespace {

constexpr std::size_t k_page_limit = std::size_t{32} << 20;        // bytes
constexpr std::uint64_t k_sdist_limit = std::uint64_t{512} << 20;  // bytes
constexpr std::string_view k_accept =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

class IndexContent : public Fetchable {
 public:
  IndexContent(http::Client& client, Access access, std::optional<std::uint64_t> length)
      : m_http(client), m_access(std::move(access)), m_length(length) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    http::Download download;
    download.url = m_access.url;
    download.authorize = [this](const http::Response* unauthorized) {
      return unauthorized == nullptr ? m_access.authorization : Secret();
    };
    download.offset = offset;
    download.length = length;
    download.total = m_length;
    m_http.download(download, sink);
  }

 private:
  http::Client& m_http;
  Access m_access;
  std::optional<std::uint64_t> m_length;
};

std::string media_type(const http::Response& response) {
  const std::string field = response.headers.find("Content-Type").value_or("");
  return base::to_lower(base::trim(std::string_view(field).substr(0, field.find(';'))));
}

// "x.dist-info/METADATA", at the top and nowhere else.
bool is_wheel_metadata(std::string_view name) {
  constexpr std::string_view suffix = ".dist-info/METADATA";
  return name.ends_with(suffix) && name.find('/') == name.size() - std::string_view("/METADATA").size();
}

void check_belongs(const Metadata& metadata, const IndexFile& file) {
  const auto version = Version::parse(metadata.version);
  if (normalised(metadata.name) != file.name.project || !version ||
      version->without_local() != file.name.version.without_local()) {
    throw Error(ErrorCode::malformed, fmt::format("the metadata of '{}' is that of {} {}", file.file, metadata.name,
                                                  base::printable(metadata.version, 80)));
  }
}

}  // namespace

Index::Index(const ResolveContext& context) : m_context(context) {}

const IndexSettings& Index::settings() {
  return m_settings.get([&] {
    const auto own = m_context.manifest.upstreams.find(std::string(k_ecosystem));
    const bool described = own != m_context.manifest.upstreams.end();
    if (!described || own->second.url.empty()) {
      IndexSettings found = read_pip_settings(m_context.environment);
      if (Secret secret = described ? authorization(own->second, m_context.environment) : Secret(); !secret.empty()) {
        found.by_origin[found.indexes.front().origin()] = std::move(secret);
      }
      for (const std::string& warning : found.warnings) {
        m_context.reporter.warning(warning);
      }
      return found;
    }
    const model::Upstream& upstream = own->second;
    IndexSettings found;
    const Url url = Url::parse(upstream.url.ends_with('/') ? upstream.url : upstream.url + "/");
    found.indexes.push_back(url);
    if (Secret secret = authorization(upstream, m_context.environment); !secret.empty()) {
      found.by_origin[url.origin()] = std::move(secret);
    }
    return found;
  });
}

Access Index::access(const Url& url) {
  Access result = ecosystem::access(m_context.manifest, m_context.environment, url);
  if (!result.authorization.empty()) {
    return result;
  }
  const IndexSettings& own = settings();
  if (const auto found = own.by_origin.find(result.url.origin()); found != own.by_origin.end()) {
    result.authorization = found->second;
  } else if (const auto login = own.netrc.find(result.url.host()); login != own.netrc.end()) {
    result.authorization = basic(login->second.username, login->second.password.reveal());
  }
  return result;
}

std::unique_ptr<Fetchable> Index::fetchable(const Url& url, std::optional<std::uint64_t> length) {
  return std::make_unique<IndexContent>(m_context.http, access(url), length);
}

std::shared_ptr<const Page> Index::page(const std::string& project) {
  std::shared_ptr<Lazy<std::shared_ptr<const Page>>> cell;
  {
    const std::lock_guard lock(m_mutex);
    auto& slot = m_pages[project];
    if (!slot) {
      slot = std::make_shared<Lazy<std::shared_ptr<const Page>>>();
    }
    cell = slot;
  }
  return cell->get([&] { return fetch_page(project); });
}

std::shared_ptr<const Page> Index::fetch_page(const std::string& project) {
  std::shared_ptr<Page> merged;
  for (const Url& index : settings().indexes) {
    std::optional<Page> found =
        base::with_context([&] { return fmt::format("reading the index page of '{}'", project); },
                           [&] { return page_of(index, project); });
    if (!found) {
      continue;
    }
    if (!found->left_out.empty()) {
      m_context.reporter.warning(fmt::format("the index lists files of '{}' twice under names that differ in case or "
                                             "spelling only; '{}' is left out",
                                             project, base::printable(base::join(found->left_out, "', '"))));
    }
    if (!merged) {
      merged = std::make_shared<Page>(std::move(*found));
      continue;
    }
    for (IndexFile& file : found->files) {
      const bool known = std::any_of(merged->files.begin(), merged->files.end(),
                                     [&](const IndexFile& one) { return one.file == file.file; });
      if (!known) {
        merged->files.push_back(std::move(file));
      }
    }
  }
  return merged;
}

std::optional<Page> Index::page_of(const Url& index, const std::string& project) {
  const Access way = access(index.resolve(project + "/"));
  http::Request request;
  request.url = way.url;
  request.authorization = way.authorization;
  request.headers.set("Accept", std::string(k_accept));
  request.headers.set("Accept-Encoding", "gzip");  // a page is no content that a digest is over
  request.body_limit = k_page_limit;
  http::Response response = m_context.http.send(request);
  if (response.status == 404 || response.status == 410) {
    return std::nullopt;
  }
  http::expect_status(response, {200}, fmt::format("GET {}", way.url.redacted()));
  const std::string type = media_type(response);
  Page page;
  try {
    if (const auto coding = response.headers.find("Content-Encoding"); coding && *coding != "identity") {
      if (base::to_lower(*coding) != "gzip") {
        throw Error(ErrorCode::malformed, "it came in a coding that was not asked for");
      }
      response.body = base::gunzip(response.body, k_page_limit, "the page");
    }
    if (type == k_json_type) {
      static_cast<IndexPage&>(page) = parse_json_page(response.body, project, response.url);
    } else if (type == k_html_type || type == "text/html") {
      static_cast<IndexPage&>(page) = parse_html_page(response.body, project, response.url);
    } else {
      throw Error(ErrorCode::malformed,
                  fmt::format("it came as '{}', which is no page of an index", base::printable(type, 80)));
    }
  } catch (const Error& error) {
    throw Error(error.code() == ErrorCode::limit ? ErrorCode::limit : ErrorCode::upstream,
                fmt::format("{} answered, but {}", way.url.redacted(), error.message()))
        .with_hint("check that pip's index-url, or `upstreams: pypi: url`, is the address of a simple index, and that "
                   "no proxy answers in its place");
  }
  page.url = response.url;
  return page;
}

std::shared_ptr<const FileMetadata> Index::metadata(const IndexFile& file) {
  std::shared_ptr<Lazy<std::shared_ptr<const FileMetadata>>> cell;
  {
    const std::lock_guard lock(m_mutex);
    auto& slot = m_metadata[file.url.to_string()];
    if (!slot) {
      slot = std::make_shared<Lazy<std::shared_ptr<const FileMetadata>>>();
    }
    cell = slot;
  }
  return cell->get([&] {
    return base::with_context([&] { return fmt::format("reading the metadata of {}", file.file); },
                              [&] { return std::make_shared<const FileMetadata>(fetch_metadata(file)); });
  });
}

FileMetadata Index::fetch_metadata(const IndexFile& file) {
  if (file.name.kind == FileName::Kind::sdist) {
    return sdist_metadata(file);
  }
  FileMetadata found;
  if (file.core_metadata) {
    try {
      found.text = stated_metadata(file);
      found.stated = true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) {
        throw;
      }
    }
  }
  if (!found.stated) {  // pip gives up on a promise that is not kept; the wheel itself knows
    found.text = wheel_metadata(file);
  }
  found.parsed = parse_metadata(found.text, fmt::format("the metadata of '{}'", file.file));
  check_belongs(found.parsed, file);
  return found;
}

std::string Index::stated_metadata(const IndexFile& file) {
  const Url url = Url::parse(file.url.to_string() + ".metadata");
  base::StringSink sink(k_metadata_limit);
  fetchable(url, std::nullopt)->fetch(0, std::nullopt, sink);
  std::string text = sink.take();
  if (!file.core_metadata->empty() && base::sha256(text).hex() != *file.core_metadata) {
    throw Error(ErrorCode::tampered, fmt::format("{} has the SHA-256 {}, and the index says {}", url.redacted(),
                                                 base::sha256(text).hex(), *file.core_metadata))
        .with_hint("the index or what lies between changed it; do not use this package before that is explained");
  }
  return text;
}

// HTML pages give no sizes; the first byte's answer does.
std::uint64_t Index::length_of(const Url& url) {
  const Access way = access(url);
  http::Download download;
  download.url = way.url;
  download.authorize = [&](const http::Response* unauthorized) {
    return unauthorized == nullptr ? way.authorization : Secret();
  };
  download.length = 1;
  std::optional<std::uint64_t> length;
  base::NullSink nowhere;
  m_context.http.download(download, nowhere, [&](std::uint64_t total) { length = total; });
  if (!length) {
    throw Error(ErrorCode::upstream, fmt::format("{} does not tell how long it is", url.redacted()));
  }
  return *length;
}

RemoteZip Index::open_wheel(Fetchable& content, const IndexFile& file) {
  return RemoteZip(ranged_read(content), file.size ? *file.size : length_of(file.url), file.file);
}

std::string Index::wheel_metadata(const IndexFile& file) {
  auto text = member(file, is_wheel_metadata, k_metadata_limit);
  if (!text) {
    throw Error(ErrorCode::malformed, fmt::format("the wheel '{}' holds no METADATA", file.file));
  }
  return std::move(*text);
}

std::optional<std::string> Index::member(const IndexFile& file, const std::function<bool(std::string_view)>& matches,
                                         std::size_t limit) {
  const auto content = fetchable(file.url, file.size);
  const RemoteZip zip = open_wheel(*content, file);
  const ZipMember* found = nullptr;
  for (const ZipMember& one : zip.members()) {
    if (matches(one.name)) {
      if (found != nullptr) {
        throw Error(ErrorCode::malformed,
                    fmt::format("the wheel '{}' holds both '{}' and '{}'", file.file, base::printable(found->name, 200),
                                base::printable(one.name, 200)));
      }
      found = &one;
    }
  }
  return found == nullptr ? std::nullopt : std::optional(zip.read(*found, limit));
}

// The archive goes to a private file: its members come in any order, and it may be large.
FileMetadata Index::sdist_metadata(const IndexFile& file) {
  const base::TempDir folder;
  const auto path = folder.path() / "sdist";
  {
    base::UnnamedFile whole(folder.path());
    std::uint64_t received = 0;
    base::FunctionSink limited([&](std::span<const std::byte> data) {
      received += data.size();
      if (received > k_sdist_limit) {
        throw Error(ErrorCode::limit, fmt::format("'{}' is too large to look into", file.file));
      }
      whole.write(data);
    });
    base::HashingSink hashing(limited);
    fetchable(file.url, file.size)->fetch(0, std::nullopt, hashing);
    if (const std::string digest = hashing.finish().hex(); !file.sha256().empty() && digest != file.sha256()) {
      throw Error(ErrorCode::tampered, fmt::format("{} has the SHA-256 {}, and the index says {}", file.url.redacted(),
                                                   digest, file.sha256()));
    }
    whole.publish(path);
  }
  std::optional<std::string> info, project;
  base::walk_archive(path, [&](const base::ArchiveMember& member, base::ByteSource& content) {
    const std::size_t slash = member.name.find('/');
    const std::string_view inner =
        slash == std::string::npos ? std::string_view() : std::string_view(member.name).substr(slash + 1);
    if (inner == "PKG-INFO" && !info) {
      info = base::read_all(content, k_metadata_limit);
    } else if (inner == "pyproject.toml" && !project) {
      project = base::read_all(content, k_pyproject_limit);
    }
    return !(info && project);
  });
  if (!info) {
    throw Error(ErrorCode::malformed, fmt::format("the source archive '{}' holds no PKG-INFO", file.file));
  }
  FileMetadata found;
  found.text = std::move(*info);
  found.parsed = parse_metadata(found.text, fmt::format("the metadata of '{}'", file.file));
  check_belongs(found.parsed, file);
  found.build_requirements = build_requirements(project, file.file);
  return found;
}

}  // namespace airlock::ecosystem::pypi
