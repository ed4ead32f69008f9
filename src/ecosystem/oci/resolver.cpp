#include "ecosystem/oci/resolver.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/credentials.hpp"
#include "ecosystem/oci/fetchables.hpp"
#include "ecosystem/oci/image_walk.hpp"
#include "ecosystem/oci/layout_source.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/registries.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/tags.hpp"
#include "ecosystem/remote_file.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::oci {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_threads_per_image = 8;
constexpr std::string_view k_default_tag = "latest";

class ImageResolver : public Resolver {
 public:
  explicit ImageResolver(const ResolveContext& context)
      : m_context(context), m_credentials(context.manifest, context.environment, context.reporter),
        m_registries(context.http, context.manifest, m_credentials) {}

  void resolve(const model::Entry& entry, const Emit& emit) override;
  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override;
  std::vector<model::Waiver> waivers() const override;

 private:
  Reference read_reference(const model::Entry& entry) const;
  void resolve_layout(const model::Entry& entry, Reference reference, const Emit& emit);
  void resolve_registry(const model::Entry& entry, Reference reference, const Emit& emit);
  std::vector<std::string> tags_of(const model::Entry& entry, const Reference& reference, Source& source) const;
  void walk(const model::Entry& entry, const Reference& reference, Source& source, const FetchedManifest& root,
            const Emit& emit);
  void accept_not_asked(const std::string& host, const Error& error);
  std::shared_ptr<const LayoutFiles> open_layout(const fs::path& path);
  std::unique_ptr<Fetchable> layout_fetchable(const model::FileRow& row, const LayoutOrigin& origin);

  ResolveContext m_context;
  CredentialFinder m_credentials;
  Registries m_registries;
  mutable std::mutex m_mutex;
  std::map<fs::path, std::shared_ptr<const LayoutFiles>> m_layouts;
  std::set<model::Waiver> m_waivers;
};

Error entry_error(const model::Entry& entry, std::string_view field, std::string message) {
  return Error(ErrorCode::manifest, std::move(message))
      .at(entry.has(field) ? entry.position_of(field) : entry.position());
}

Reference ImageResolver::read_reference(const model::Entry& entry) const {
  try {
    return parse_reference(entry.text("ref"));
  } catch (const Error& error) {
    throw entry_error(entry, "ref", error.message()).with_hint(error.hint());
  }
}

void ImageResolver::resolve(const model::Entry& entry, const Emit& emit) {
  Reference reference = read_reference(entry);
  const bool by_tags = entry.has("tags") || entry.has("newest");
  if (by_tags && (!reference.tag.empty() || reference.digest)) {
    throw entry_error(entry, "ref",
                      fmt::format("'{}' names one image, but 'tags' or 'newest' ask for several", entry.text("ref")))
        .with_hint("leave the tag and the digest out of 'ref'");
  }
  if (!by_tags && reference.tag.empty() && !reference.digest) {
    reference.tag = k_default_tag;
  }
  base::with_context([name = reference.to_string()] { return "resolving image " + name; },
                     [&] {
                       if (entry.has("layout")) {
                         resolve_layout(entry, std::move(reference), emit);
                       } else {
                         resolve_registry(entry, std::move(reference), emit);
                       }
                     });
}

std::shared_ptr<const LayoutFiles> ImageResolver::open_layout(const fs::path& path) {
  const std::lock_guard lock(m_mutex);
  std::shared_ptr<const LayoutFiles>& files = m_layouts[path];
  if (!files) {
    files = std::make_shared<const LayoutFiles>(path);
  }
  return files;
}

void ImageResolver::resolve_layout(const model::Entry& entry, Reference reference, const Emit& emit) {
  LayoutSource source(open_layout(entry.path("layout")));
  if (entry.has("tags") || entry.has("newest")) {
    for (const std::string& tag : tags_of(entry, reference, source)) {
      const std::optional<FetchedManifest> root = source.by_tag(tag);
      if (!root) {
        throw Error(ErrorCode::not_found, fmt::format("'{}' has several entries with the tag '{}', or none whose "
                                                      "content is there",
                                                      entry.path("layout").string(), tag));
      }
      reference.tag = tag;
      walk(entry, reference, source, *root, emit);
    }
    return;
  }
  const base::Digest digest =
      reference.digest ? *reference.digest : source.find_entry(entry.text("from"), reference).digest;
  const std::optional<FetchedManifest> root = source.by_digest(digest);
  if (!root) {
    throw Error(ErrorCode::not_found, fmt::format("'{}' lists {}, but holds no such blob",
                                                  entry.path("layout").string(), digest.to_string()));
  }
  walk(entry, reference, source, *root, emit);
}

void ImageResolver::resolve_registry(const model::Entry& entry, Reference reference, const Emit& emit) {
  RegistrySource source(m_registries.get(reference.host), reference.host, reference.repository);
  if (!entry.has("tags") && !entry.has("newest")) {
    const std::optional<FetchedManifest> root =
        reference.digest ? source.by_digest(*reference.digest) : source.by_tag(reference.tag);
    if (!root) {
      throw Error(ErrorCode::not_found, fmt::format("there is no image {}", reference.to_string()));
    }
    walk(entry, reference, source, *root, emit);
    return;
  }
  TaskGroup tasks(k_threads_per_image);
  for (const std::string& tag : tags_of(entry, reference, source)) {
    tasks.add([&, tag] {
      Reference tagged = reference;
      tagged.tag = tag;
      const std::optional<FetchedManifest> root = source.by_tag(tag);
      if (!root) {
        throw Error(ErrorCode::not_found, fmt::format("the tag {} is listed, but is not there", tagged.to_string()))
            .with_hint("it may have been deleted a moment ago; run the command again");
      }
      walk(entry, tagged, source, *root, emit);
    });
  }
  tasks.wait();
}

std::vector<std::string> ImageResolver::tags_of(const model::Entry& entry, const Reference& reference,
                                                Source& source) const {
  const std::vector<std::string> all = source.tags();
  const std::vector<std::string> patterns =
      entry.has("tags") ? entry.texts("tags") : std::vector<std::string>{std::string("*")};
  std::set<std::string> chosen;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> tags = select_tags(all, pattern, entry.number("newest"));
    if (tags.empty()) {
      Error error(ErrorCode::not_found,
                  fmt::format("no tag of {} matches '{}'{}; it has {} tags", reference.name(), pattern,
                              entry.has("newest") ? " and is a version number" : "", all.size()));
      if (const std::optional<std::string> near = base::nearest(pattern, all)) {
        error.with_hint(fmt::format("the nearest is '{}'", *near));
      }
      throw error;
    }
    chosen.insert(tags.begin(), tags.end());
  }
  return {chosen.begin(), chosen.end()};
}

void ImageResolver::walk(const model::Entry& entry, const Reference& reference, Source& source,
                         const FetchedManifest& root, const Emit& emit) {
  const std::vector<model::Platform> platforms =
      entry.platforms().empty() ? std::vector{model::Platform::host()} : entry.platforms();
  const ImageWish wish{reference, platforms,
                       entry.flag("referrers").value_or(true) ? Referrers::carry : Referrers::leave,
                       entry.flag("foreign_layers").value_or(false) ? ForeignLayers::carry : ForeignLayers::leave};
  const WalkHooks hooks{emit, [&](const Error& error) { accept_not_asked(reference.host, error); }, m_context.reporter};
  walk_image(source, wish, root, hooks, k_threads_per_image);
}

void ImageResolver::accept_not_asked(const std::string& host, const Error& error) {
  const model::Upstream* upstream = find_upstream(m_context.manifest, host);
  if (upstream == nullptr || !upstream->allow_unverified_referrers) {
    throw Error(error.code(), fmt::format("whether the image is signed could not be asked: {}", error.message()))
        .with_hint(fmt::format("this is not the same as having no signature. Give rights to read them; or accept it "
                               "for this registry: upstreams: {{ \"{}\": {{ allow_unverified_referrers: true }} }}; or "
                               "set 'referrers: false' on this entry",
                               host));
  }
  const std::lock_guard lock(m_mutex);
  if (m_waivers.insert({host, "signatures-not-asked"}).second) {
    m_context.reporter.warning(fmt::format(
        "signatures at {} could not be asked for ({}); accepted by allow_unverified_referrers", host, error.message()));
  }
}

std::vector<model::Waiver> ImageResolver::waivers() const {
  const std::lock_guard lock(m_mutex);
  return {m_waivers.begin(), m_waivers.end()};
}

std::unique_ptr<Fetchable> ImageResolver::layout_fetchable(const model::FileRow& row, const LayoutOrigin& origin) {
  for (const model::Entry* entry : m_context.manifest.section("images")) {
    if (entry->has("layout") && layout_name(entry->path("layout")) == origin.name) {
      if (std::optional<base::FileSlice> slice = open_layout(entry->path("layout"))->open_blob(origin.digest)) {
        return slice_fetchable(std::move(*slice), row.path);
      }
    }
  }
  throw Error(
      ErrorCode::not_found,
      fmt::format("'{}' comes from the local layout '{}', which no manifest at hand names", row.path, origin.name))
      .with_hint("give the manifest that names it with -m as well");
}

std::unique_ptr<Fetchable> ImageResolver::fetchable(const model::FileRow& row) {
  if (const std::optional<LayoutOrigin> origin = parse_layout_origin(row.origin)) {
    return layout_fetchable(row, *origin);
  }
  if (const std::optional<RegistryOrigin> origin = parse_registry_origin(row.origin)) {
    return registry_fetchable(m_registries.get(origin->host, origin->plain), *origin, row.length);
  }
  return std::make_unique<RemoteFile>(m_context, base::Url::parse(row.origin), row.length);
}

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<ImageResolver>(context);
}

std::vector<model::SectionSchema> image_sections() {
  using model::Field;
  using model::FieldType;
  return {{
      .key = "images",
      .ecosystem = std::string(k_ecosystem),
      .shorthand = "ref",
      .fields =
          {
              {.name = "ref",
               .type = FieldType::text,
               .help = "HOST/REPOSITORY[:TAG][@DIGEST]; short names are Docker Hub's.",
               .identity = true,
               .wanted = true},
              {.name = "tags",
               .type = FieldType::text_list,
               .help = "Carry all tags that match these patterns, such as \"1.*\".",
               .identity = true},
              {.name = "newest",
               .type = FieldType::number,
               .help = "Of the tags that match, only the N highest version numbers."},
              {.name = "platforms",
               .type = FieldType::platforms,
               .help = "Platforms of a multi-platform image that are carried.",
               .unites = true},
              {.name = "referrers",
               .type = FieldType::flag,
               .help = "Carry signatures, attestations and SBOMs too; true by default."},
              {.name = "foreign_layers",
               .type = FieldType::flag,
               .help = "Carry layers that their owner marks as not to be passed on; false by default."},
              {.name = "layout",
               .type = FieldType::path,
               .help = "Take the image from this OCI layout, a folder or an uncompressed tar; `ref` is what "
                       "to call "
                       "it."},
              {.name = "from",
               .type = FieldType::text,
               .help = "Which entry of the layout's index.json: its name, its tag or its digest."},
          },
      .one_of = {{"ref"}},
      .help = "Container images and other OCI artifacts.",
  }};
}

}  // namespace airlock::ecosystem::oci
