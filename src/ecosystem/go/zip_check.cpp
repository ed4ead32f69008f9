#include "ecosystem/go/zip_check.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/zip_stream.hpp"
#include "ecosystem/go/dirhash.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/module_path.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_most_members = 300'000;

class ZipCheck : public PinCheck {
 public:
  explicit ZipCheck(const Module& module)
      : m_prefix(module.to_string() + "/"), m_zip({.content = k_largest_zip, .members = k_most_members, .name = 2048},
                                                  [this](std::string_view name) { check_name(name); }) {}

  void write(std::span<const std::byte> data) override { m_zip.write(data); }

  std::string finish() override {
    std::map<std::string, base::Digest> files;
    for (const base::ZipMember& member : m_zip.finish()) {
      const std::string_view name = std::string_view(member.name).substr(m_prefix.size());
      if ((name == "go.mod" || name == "LICENSE") && member.size > k_largest_mod) {
        throw Error(ErrorCode::malformed, fmt::format("the {} in the module's zip is larger than 16 MiB", name));
      }
      files.emplace(member.name, member.sha256);
    }
    return dirhash(files);
  }

 private:
  void check_name(std::string_view name) {
    const auto fail = [&](std::string_view reason) {
      throw Error(ErrorCode::malformed,
                  fmt::format("the module's zip has a member '{}', which {}", base::printable(name, 200), reason));
    };
    if (!name.starts_with(m_prefix)) {
      fail(fmt::format("does not stand below '{}'", m_prefix));
    }
    std::string_view inside = name.substr(m_prefix.size());
    if (inside.ends_with('/')) {
      inside.remove_suffix(1);  // a folder
    } else if (!m_folded.insert(base::to_lower(inside)).second) {
      fail("differs from another one only in case");
    }
    if (inside.empty() && name.ends_with('/')) {
      return;
    }
    if (const auto problem = file_name_problem(inside)) {
      fail(fmt::format("has {}", *problem));
    }
    const std::string_view last = inside.substr(inside.rfind('/') + 1);
    if (base::to_lower(last) == "go.mod" && inside != "go.mod") {
      fail("is a go.mod, but not the module's own");
    }
  }

  std::string m_prefix;
  std::set<std::string> m_folded;
  base::ZipStream m_zip;
};

class ModCheck : public PinCheck {
 public:
  void write(std::span<const std::byte> data) override { m_hasher.update(data); }
  std::string finish() override { return dirhash({{"go.mod", m_hasher.finish()}}); }

 private:
  base::Hasher m_hasher;
};

}  // namespace

std::unique_ptr<PinCheck> pin_check(const model::FileRow& row) {
  const auto path = parse_file_path(row.path);
  if (!path || !row.pin.starts_with("h1:")) {
    return nullptr;
  }
  if (path->extension == ".zip") {
    return std::make_unique<ZipCheck>(path->module);
  }
  return path->extension == ".mod" ? std::make_unique<ModCheck>() : nullptr;
}

}  // namespace airlock::ecosystem::go
