// The contract: all that airlock needs of an ecosystem. A descriptor is a plain struct; a member that is empty is not
// supported, and `airlock ecosystem list` prints just that.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/reporter.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "model/belonging.hpp"
#include "model/file_row.hpp"
#include "model/lock.hpp"
#include "model/manifest.hpp"
#include "model/request.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"

namespace airlock::ecosystem {

// Connected side. What a resolver is given; it keeps nothing else.
struct ResolveContext {
  http::Client& http;
  const model::Manifest& manifest;  // for its upstreams
  base::Reporter& reporter;
  std::filesystem::path recipes;                   // folder of tool recipes beside the built-in ones; may be empty
  std::map<std::string, std::string> environment;  // of the user; credentials and client configuration come from here
  // Told of what a package asks for of another ecosystem, and which one asks: "pypi pulumi-command 1.2.1". Thread-safe;
  // empty where nobody listens.
  std::function<void(const model::Request&, std::string_view because)> demand;
};

// How one file's bytes are had. The row says where from and what they must be; `open` knows how.
class Fetchable {
 public:
  virtual ~Fetchable() = default;
  // Sends `length` bytes from `offset` to `sink` (all to the end without `length`). Resumes and retries inside; called
  // for several ranges of one file at the same time. Throws as http::Client::download does.
  virtual void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) = 0;
};

// Proves a pin that is no plain digest, such as Go's "h1:…" over the files of a zip. Takes a file's bytes in order.
class PinCheck : public base::ByteSink {
 public:
  // The pin that the bytes have, in the form of FileRow::pin. Throws malformed when they are not of the form that it is
  // defined for.
  virtual std::string finish() = 0;
};

struct ResolvedFile {
  model::FileRow row;
  // Small content that the resolver already holds (a manifest, a checksum file); then nothing is fetched.
  std::optional<std::string> content;
};

// One run over one ecosystem. Files come out as soon as they are known, so that discovery overlaps transfer.
class Resolver {
 public:
  using Emit = std::function<void(ResolvedFile)>;
  virtual ~Resolver() = default;
  // Calls `emit` (thread-safe) for every file of `entry`, references expanded. Throws when an entry cannot be had
  // whole. Called from several threads with different entries.
  virtual void resolve(const model::Entry& entry, const Emit& emit) = 0;
  // How to fetch a row, of this run or of a lock read from disk. `row.origin` is enough to do it.
  virtual std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) = 0;
  // Waivers that were used, for the lock.
  virtual std::vector<model::Waiver> waivers() const { return {}; }
};

// What one folder of a working tree says of an ecosystem (docs/formats/manifest.md, Projects and wants).
struct ProjectFinding {
  std::string file;  // in that folder: "package-lock.json"
  std::string what;  // for people: "142 packages, locked"
  model::Request request;
};

// What brings a name that a client missed.
struct Wanted {
  std::optional<model::Request> request;  // nullopt: the name does not say where it comes from
  bool is_private = false;                // a name of the inside, which is not told to the outside unasked
};

// Served side.
struct MirrorContext {
  // The catalog that is active now; a request takes it once and uses that.
  std::function<std::shared_ptr<const store::Catalog>()> catalog;
  const store::BlobStore& blobs;
  // Told of every file that a client wanted and that is not here: ecosystem and a name in its own spelling.
  std::function<void(std::string_view ecosystem, std::string_view name)> missing;
};

// Pushing into a registry that is already there.
struct PushTarget {
  base::Url url;  // "https://registry.site.example/prefix"
  std::string username;
  base::Secret password;  // or token, where there is no user name
};
struct PushContext {
  http::Client& http;
  const store::Catalog& catalog;
  const store::BlobStore& blobs;
  base::Reporter& reporter;
  enum class Mode { push, dry_run, check } mode = Mode::push;
};
struct PushReport {
  std::uint64_t pushed = 0;   // artifacts
  std::uint64_t present = 0;  // were there already, equal
  std::uint64_t bytes_sent = 0;
  std::vector<base::Finding> failures;  // one an artifact; the rest goes on
};

// What makes real clients use only this mirror.
struct ClientConfigRequest {
  base::Url mirror;
  std::filesystem::path ca_file;  // empty: the system's
  // Where the files will lie, each as FOLDER/ID/NAME, so that the environment can name them; empty: they go to their
  // `install_as`, and the environment names none.
  std::filesystem::path folder;
};
struct ClientConfigFile {
  std::string name;  // relative path, "registries.conf"
  std::string content;
  std::string install_as;  // where it belongs on a host, "/etc/containers/registries.conf"
};
struct ClientConfig {
  std::map<std::string, std::string> environment;
  std::vector<ClientConfigFile> files;
  std::vector<std::string> notes;  // what no setting can close, and what to do
};

struct Ecosystem {
  std::string id;          // = folder = TUF role
  std::string url_prefix;  // "/files/"
  std::vector<model::SectionSchema> sections;
  std::function<std::unique_ptr<Resolver>(const ResolveContext&)> make_resolver;
  // For a row whose pin is in a form of this ecosystem's own; null for others.
  std::function<std::unique_ptr<PinCheck>(const model::FileRow&)> pin_check;
  // Looks at the files in `folder` itself, not at those below. Throws what reading them throws.
  std::function<std::vector<ProjectFinding>(const std::filesystem::path& folder)> detect;
  std::function<void(http::Router&, const MirrorContext&)> mount;
  std::function<PushReport(const PushContext&, const PushTarget&)> push;
  std::function<ClientConfig(const ClientConfigRequest&)> client_config;
  // `name` as it was given to MirrorContext::missing; hostile.
  std::function<Wanted(std::string_view name)> wanted;
  // Whether a row's path is one of the artifact that it is said to be of. Every ecosystem has it. Pure; hostile.
  model::BelongingRule belongs;
};

// All of them, by id. A line each in registry.cpp.
std::span<const Ecosystem* const> all_ecosystems();
const Ecosystem* find_ecosystem(std::string_view id);
std::vector<model::SectionSchema> all_sections();

// By the row's own ecosystem; of one that is not known here every path is shown to approvers.
model::Belonging belongs(const model::FileRow& row);

}  // namespace airlock::ecosystem
