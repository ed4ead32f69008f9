#include "ecosystem/oci/image_walk.hpp"

#include <atomic>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "ecosystem/oci/manifest.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/platform_choice.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/tags.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_manifest_count_limit = 20'000;  // of one image, signatures included
constexpr int k_depth_limit = 8;                        // index in index, signature of a signature

// What a manifest is to the image, which decides what is looked for around it.
enum class Role {
  image,      // the root, or a child for a platform: platforms are chosen, signatures are looked for
  referrer,   // a signature and the like: carried whole; others may refer to it
  companion,  // an attestation in the index, what a cosign tag holds: carried whole, nothing is looked for
              // around it
};

struct Visit {
  std::string platform;
  Role role = Role::image;
  int depth = 0;
};

class Walk {
 public:
  Walk(Source& source, const ImageWish& wish, const FetchedManifest& root, const WalkHooks& hooks, std::size_t threads)
      : m_source(source), m_wish(wish), m_hooks(hooks), m_repository(repository_path(wish.reference)),
        m_artifact(image_purl(wish.reference, root.digest, wish.reference.tag)), m_tasks(threads) {}

  void run(const FetchedManifest& root) {
    const Manifest manifest = parse(root);
    if (!m_wish.reference.tag.empty()) {
      emit(tag_row(context(""), m_wish.reference.tag, root, manifest.media_type, m_source), root.bytes);
    }
    first_visit(root.digest, Role::image);
    visit(root, manifest, {"", Role::image, 0});
    m_tasks.wait();
  }

 private:
  std::string name_of(const Digest& digest) const { return m_wish.reference.name() + "@" + digest.to_string(); }

  RowContext context(std::string platform) const { return {m_repository, m_artifact, std::move(platform)}; }

  void emit(model::FileRow row, std::optional<std::string> content = std::nullopt) const {
    m_hooks.emit({std::move(row), std::move(content)});
  }

  Manifest parse(const FetchedManifest& fetched) const {
    return parse_manifest(fetched.bytes, fetched.media_type, name_of(fetched.digest));
  }

  // Once for each digest and role: a signature that is listed by the API and by a tag, a child that stands in
  // an index twice, and circles.
  bool first_visit(const Digest& digest, Role role) {
    const std::lock_guard lock(m_mutex);
    if (m_visited.size() >= k_manifest_count_limit) {
      throw Error(ErrorCode::limit, fmt::format("{} leads to more than {} manifests", m_wish.reference.to_string(),
                                                k_manifest_count_limit));
    }
    return m_visited.emplace(digest, role).second;
  }

  void visit(const FetchedManifest& fetched, const Manifest& manifest, const Visit& how) {
    if (how.depth > k_depth_limit) {
      throw Error(ErrorCode::limit,
                  fmt::format("{} is nested more than {} deep", m_wish.reference.to_string(), k_depth_limit));
    }
    emit(manifest_row(context(how.platform), fetched, manifest.media_type, m_source), fetched.bytes);
    if (manifest.is_index) {
      visit_children(fetched, manifest, how);
    } else {
      if (manifest.config) {
        emit_blob(*manifest.config, how.platform);
      }
      for (const Descriptor& layer : manifest.layers) {
        emit_blob(layer, how.platform);
      }
    }
    if (m_wish.referrers == Referrers::carry && how.role != Role::companion) {
      m_tasks.add([this, subject = fetched.digest, how] { find_referrers(subject, how); });
      if (how.role == Role::image) {
        for (std::string_view suffix : k_cosign_suffixes) {
          m_tasks.add(
              [this, tag = referrers_tag(fetched.digest) + std::string(suffix), how] { find_companion(tag, how); });
        }
      }
    }
  }

  void visit_children(const FetchedManifest& fetched, const Manifest& index, const Visit& how) {
    const bool choose = how.role == Role::image;
    const PlatformChoice choice =
        choose_children(index, choose ? m_wish.platforms : std::vector<model::Platform>(),
                        choose && m_wish.referrers == Referrers::leave ? Attestations::leave : Attestations::take,
                        name_of(fetched.digest));
    for (const ChosenChild& left : choice.left) {
      emit(
          known_row(context(left.platform), *left.child, m_source.origin(Source::Part::manifests, left.child->digest)));
    }
    for (const ChosenChild& taken : choice.taken) {
      const Visit next{taken.platform.empty() ? how.platform : taken.platform,
                       taken.is_attestation ? Role::companion : how.role, how.depth + 1};
      if (!is_manifest_type(plain_media_type(taken.child->media_type)) &&
          !is_schema1_type(plain_media_type(taken.child->media_type))) {
        emit_blob(*taken.child,
                  next.platform);  // an index may list any content (image-spec 1.1, Image Index)
      } else if (first_visit(taken.child->digest, next.role)) {
        m_tasks.add([this, child = *taken.child, next] { fetch_child(child, next); });
      }
    }
  }

  void fetch_child(const Descriptor& child, const Visit& how) {
    std::optional<FetchedManifest> fetched = m_source.by_digest(child.digest);
    if (!fetched) {
      throw Error(ErrorCode::not_found, fmt::format("{} is part of {}, but is not there", name_of(child.digest),
                                                    m_wish.reference.to_string()))
          .with_hint("the image is incomplete where it comes from; choose fewer platforms, or have it pushed again");
    }
    check_size(*fetched, child);
    // The descriptor is covered by the digest of what refers to it; what a server sends beside the bytes is
    // not.
    fetched->media_type = plain_media_type(child.media_type);
    visit(*fetched, parse(*fetched), how);
  }

  void check_size(const FetchedManifest& fetched, const Descriptor& expected) const {
    if (fetched.bytes.size() != expected.size) {
      throw Error(ErrorCode::tampered, fmt::format("{} has {} bytes, but what refers to it says {}",
                                                   name_of(expected.digest), fetched.bytes.size(), expected.size));
    }
  }

  void emit_blob(const Descriptor& blob, const std::string& platform) {
    model::FileRow row = blob_row(context(platform), blob, m_source);
    if (is_nondistributable_type(blob.media_type)) {
      if (m_wish.foreign_layers == ForeignLayers::leave) {
        emit(known_row(context(platform), blob, row.origin));
        return;
      }
      // Such layers lie where their owner keeps them, and registries need not hold them.
      if (!blob.urls.empty()) {
        row.origin = blob.urls.front();
      }
    }
    emit(std::move(row), blob.data);
  }

  // Runs `ask`; a failure that means that no answer was had goes to the caller, who may accept it.
  template <typename Ask>
  void ask_for_signatures(Ask&& ask) {
    try {
      ask();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::network && error.code() != ErrorCode::auth &&
          error.code() != ErrorCode::upstream && error.code() != ErrorCode::malformed) {
        throw;
      }
      m_hooks.not_asked(error);
    }
  }

  void find_referrers(const Digest& subject, const Visit& how) {
    std::vector<Descriptor> found;
    ask_for_signatures([&] { found = m_source.referrers(subject); });
    for (const Descriptor& referrer : found) {
      if (first_referrer(subject, referrer.digest)) {
        m_tasks.add([this, subject, referrer, how] { fetch_referrer(subject, referrer, how); });
      }
    }
  }

  bool first_referrer(const Digest& subject, const Digest& referrer) {
    const std::lock_guard lock(m_mutex);
    return m_referrers.emplace(subject, referrer).second;
  }

  void fetch_referrer(const Digest& subject, const Descriptor& referrer, const Visit& how) {
    std::optional<FetchedManifest> fetched;
    ask_for_signatures([&] { fetched = m_source.by_digest(referrer.digest); });
    if (!fetched) {
      m_hooks.reporter.warning(fmt::format("{} is listed as referring to {}, but is not there; it is left out",
                                           name_of(referrer.digest), name_of(subject)));
      return;
    }
    check_size(*fetched, referrer);
    fetched->media_type = plain_media_type(referrer.media_type);
    const Manifest manifest = parse(*fetched);
    emit(referrer_row(context(how.platform), subject, *fetched, manifest.media_type, m_source), fetched->bytes);
    if (first_visit(referrer.digest, Role::referrer)) {
      visit(*fetched, manifest, {how.platform, Role::referrer, how.depth + 1});
    }
  }

  void find_companion(const std::string& tag, const Visit& how) {
    std::optional<FetchedManifest> fetched;
    ask_for_signatures([&] { fetched = m_source.look_for(tag); });
    if (!fetched) {
      return;
    }
    const Manifest manifest = parse(*fetched);
    emit(tag_row(context(how.platform), tag, *fetched, manifest.media_type, m_source), fetched->bytes);
    if (first_visit(fetched->digest, Role::companion)) {
      visit(*fetched, manifest, {how.platform, Role::companion, how.depth + 1});
    }
  }

  Source& m_source;
  const ImageWish& m_wish;
  const WalkHooks& m_hooks;
  const std::string m_repository;
  const std::string m_artifact;
  std::mutex m_mutex;
  std::set<std::pair<Digest, Role>> m_visited;
  std::set<std::pair<Digest, Digest>> m_referrers;
  TaskGroup m_tasks;  // last: its threads use all of the above until it is gone
};

}  // namespace

void walk_image(Source& source, const ImageWish& wish, const FetchedManifest& root, const WalkHooks& hooks,
                std::size_t threads) {
  Walk(source, wish, root, hooks, threads).run(root);
}

}  // namespace airlock::ecosystem::oci
