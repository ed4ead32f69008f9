// What an upstream says about its files: checksums, and signatures over them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/tool/recipe.hpp"

namespace airlock::ecosystem::tool {

// A small file that proves others; carried with them.
struct ProofFile {
  std::string name;  // under which it is served, beside the release
  base::Url url;
  std::string content;
  model::Verified verified = model::Verified::none;
};

struct Proof {
  std::optional<base::Digest> sha256;  // empty: upstream states none
  model::Verified verified = model::Verified::none;
  std::vector<ProofFile> files;
};

struct ReleaseFile {
  base::Url url;
  std::string name;     // under which it is served
  Variables variables;  // of its platform
};

// For one entry; each checksum file is fetched and checked once. Not for several threads.
class Proofs {
 public:
  Proofs(const ResolveContext& context, const model::Entry& entry, const Recipe& recipe)
      : m_context(context), m_entry(entry), m_recipe(recipe) {}

  // Throws not_found or upstream when the recipe's checksum file is not there or says nothing of the file, and
  // untrusted when a signature that can be checked is missing or wrong.
  Proof prove(const ReleaseFile& file);

 private:
  struct Sums {
    std::string content;
    model::Verified verified = model::Verified::upstream_digest;
    std::vector<ProofFile> files;
  };
  const Sums& sums(const base::Url& url, const ReleaseFile& file);
  // Fetches the signature files over `signed_url`, which is served as `signed_name`. For `content` that is at hand,
  // checks it too: true when it is proven.
  bool add_signatures(const base::Url& signed_url, const std::string& signed_name, const Variables& variables,
                      const std::string* content, std::vector<ProofFile>& files);
  bool check_gpg(const base::Url& url, const std::optional<std::string>& signature, const std::string* content);
  std::optional<std::string> key();  // from a file, else from the recipe's address

  const ResolveContext& m_context;
  const model::Entry& m_entry;
  const Recipe& m_recipe;
  std::map<std::string, Sums> m_sums;  // by URL
  bool m_warned = false;
};

}  // namespace airlock::ecosystem::tool
