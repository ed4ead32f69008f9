#include "workflow/root_signature.hpp"

#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"
#include "workflow/key_store.hpp"
#include "workflow/root_review.hpp"

namespace airlock::workflow {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

std::map<std::string, RootSigner> signers_of_root(const trust::Root& root, const std::optional<trust::Root>& before) {
  std::map<std::string, RootSigner> signers;
  for (const std::string& keyid : root.roles.at("root").keyids) {
    signers[keyid].of_new = true;
  }
  if (before) {
    for (const std::string& keyid : before->roles.at("root").keyids) {
      signers[keyid].of_old = true;
    }
  }
  for (auto& [keyid, signer] : signers) {
    signer.keyid = keyid;
  }
  return signers;
}

const trust::PublicKey* key_of_root(const trust::Root& root, const std::optional<trust::Root>& before,
                                    const std::string& keyid) {
  std::vector<const trust::Root*> roots = {&root};
  if (before) {
    roots.push_back(&*before);
  }
  return find_key(roots, keyid);
}

RootSignatureReader::RootSignatureReader(const trust::SignedFile& file, const trust::Root& root,
                                         const std::optional<trust::Root>& before, std::string_view keyid)
    : m_file(file), m_root(root), m_before(before), m_keyid(base::to_lower(keyid)),
      m_signers(signers_of_root(root, before)) {}

RootSignature RootSignatureReader::read(const fs::path& path) const {
  const std::string text = base::read_file(path, trust::k_detached_limit);
  return base::with_context([&] { return "reading the signature " + path.string(); },
                            [&] {
                              return m_keyid.empty() && trust::looks_like_detached_signature(text)
                                         ? from_file(text, path.string())
                                         : from_raw(text);
                            });
}

RootSignature RootSignatureReader::from_file(const std::string& text, const std::string& name) const {
  const trust::DetachedSignature signature = trust::parse_detached_signature(text, name);
  if (signature.role != "root") {
    throw Error(ErrorCode::conflict,
                fmt::format("it is a signature of role '{}' and not of a root", base::printable(signature.role, 60)))
        .with_hint("approvals of a bundle go to `airlock bundle seal`");
  }
  if (signature.payload != trust::identity(m_file)) {
    throw Error(ErrorCode::untrusted,
                fmt::format("it is over other content ({}…) than the root version {} that is pending here ({}…)",
                            signature.payload.hex().substr(0, k_keyid_shown), m_root.version,
                            trust::identity(m_file).hex().substr(0, k_keyid_shown)))
        .with_hint("let the holder sign the root.json that lies in pending/ now");
  }
  const trust::PublicKey& key = listed(signature.keyid);
  if (!key.verify(m_file.canonical, signature.sig)) {
    throw Error(ErrorCode::untrusted,
                fmt::format("it does not verify with key {}", signature.keyid.substr(0, k_keyid_shown)));
  }
  return {.key = &key, .bytes = signature.sig};
}

RootSignature RootSignatureReader::from_raw(const std::string& raw) const {
  bool any = false;
  for (const auto& [keyid, signer] : m_signers) {
    if (!keyid.starts_with(m_keyid)) {
      continue;
    }
    any = true;
    const trust::PublicKey* key = key_of_root(m_root, m_before, keyid);
    if (key == nullptr) {
      continue;
    }
    if (auto signature = trust::as_signature(*key, m_file.canonical, raw)) {
      return {.key = key, .bytes = std::move(*signature)};
    }
  }
  if (!any) {
    listed(m_keyid);
  }
  throw Error(ErrorCode::untrusted,
              fmt::format("these {} bytes are no signature over root version {} by {}", raw.size(), m_root.version,
                          m_keyid.empty() ? "any key that may sign it" : "key " + m_keyid))
      .with_hint(fmt::format("the bytes to sign are those of {}.root.tbs, whole and unchanged; `airlock keys show` "
                             "lists who may sign",
                             m_root.version));
}

const trust::PublicKey& RootSignatureReader::listed(const std::string& keyid) const {
  const trust::PublicKey* key = m_signers.contains(keyid) ? key_of_root(m_root, m_before, keyid) : nullptr;
  if (key == nullptr) {
    throw Error(ErrorCode::untrusted, fmt::format("neither the present root nor version {} lists key {} for root",
                                                  m_root.version, base::printable(keyid, k_keyid_shown)))
        .with_hint("`airlock keys show` lists who may sign");
  }
  return *key;
}

std::string shown_keyids(const std::vector<std::string>& keyids) {
  std::vector<std::string> shown;
  for (const std::string& keyid : keyids) {
    shown.push_back(keyid.substr(0, k_keyid_shown));
  }
  return base::join(shown, ", ");
}

RootToSign read_root_to_sign(const fs::path& file, const fs::path& against) {
  RootToSign result;
  result.file =
      trust::parse_signed(base::read_file(file, trust::k_root_limit), file.filename().string(), trust::k_root_limit);
  result.root = trust::parse_root(result.file);
  std::optional<trust::SignedFile> before_file;
  const fs::path beside = fs::absolute(file).parent_path() / trust::metadata_file_name("root", result.root.version - 1);
  if (std::error_code ignored; !against.empty() || fs::exists(beside, ignored)) {
    const fs::path before = against.empty() ? beside : against;
    before_file =
        trust::parse_signed(base::read_file(before, trust::k_root_limit), before.string(), trust::k_root_limit);
    result.before = trust::parse_root(*before_file);
    if (result.before->version + 1 != result.root.version) {
      throw Error(ErrorCode::conflict, fmt::format("{} is root version {}, and {} is version {}", before.string(),
                                                   result.before->version, file.string(), result.root.version))
          .with_hint("compare it with the version right before it");
    }
  }
  result.review = review_of_root(result.file, before_file, {});
  return result;
}

trust::DetachedSignature sign_root(const RootToSign& root, const trust::Signer& signer) {
  const std::string& keyid = signer.public_key().keyid();
  if (!signers_of_root(root.root, root.before).contains(keyid)) {
    throw Error(ErrorCode::untrusted, fmt::format("key {} is none of those that may sign root version {}",
                                                  keyid.substr(0, k_keyid_shown), root.root.version))
        .with_hint(root.before ? "the review lists the keys of root; take the one that stands there"
                               : "if the root before it lists this key, name that root with --against");
  }
  return trust::sign_detached(root.file, signer);
}

}  // namespace airlock::workflow
