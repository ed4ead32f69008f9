// A Go proxy and a checksum database as tests script them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "ecosystem/go/dirhash.hpp"
#include "ecosystem/go/go_sum.hpp"
#include "ecosystem/go/module_path.hpp"
#include "support/fault_server.hpp"
#include "support/zip_text.hpp"
#include "trust/key.hpp"

namespace airlock::ecosystem::go {

class ModuleServer {
 public:
  // Serves a module, its zip with go.mod and `files`; later additions of a version make the list longer.
  void add(const Module& module, const std::string& mod,
           const std::vector<std::pair<std::string, std::string>>& files = {}) {
    std::vector<test::ZipPart> parts = {{.name = module.to_string() + "/go.mod", .content = mod}};
    std::map<std::string, base::Digest> hashed = {{parts[0].name, base::sha256(mod)}};
    for (const auto& [name, content] : files) {
      parts.push_back({.name = module.to_string() + "/" + name, .content = content});
      hashed[parts.back().name] = base::sha256(content);
    }
    m_sums[module] = {.zip = dirhash(hashed), .mod = hash_of_go_mod(mod)};
    serve(module, ".mod", mod);
    serve(module, ".zip", test::zip_text(parts));
    serve(module, ".info", fmt::format(R"({{"Version":"{}","Time":"2024-01-02T03:04:05Z"}})", module.version));
    m_lists[module.path] += module.version + "\n";
    server.script(fmt::format("/proxy/{}/@v/list", escape(module.path)), {{.body = m_lists[module.path]}});
  }
  void serve(const Module& module, std::string_view extension, const std::string& body) {
    server.script("/proxy/" + file_path(module, extension), {{.body = body}});
  }
  std::string sum_lines(const Module& module) const {
    const ModuleSums& sums = m_sums.at(module);
    return fmt::format("{0} {1} {2}\n{0} {1}/go.mod {3}\n", module.path, module.version, sums.zip, sums.mod);
  }
  std::string all_sum_lines() const {
    std::string lines;
    for (const auto& [module, sums] : m_sums) {
      lines += sum_lines(module);
    }
    return lines;
  }
  const std::map<Module, ModuleSums>& sums() const { return m_sums; }
  bool was_asked(const Module& module, std::string_view extension) const {
    return !server.requests("/proxy/" + file_path(module, extension)).empty();
  }
  std::map<std::string, std::string> environment() const {
    return {{"GOPROXY", server.url("/proxy")},
            {"GOSUMDB", "off"},
            {"GONOSUMDB", "none"},
            {"GOPRIVATE", "none"},
            {"GONOPROXY", "none"},
            {"GOENV", "off"}};
  }

  test::FaultServer server;

 private:
  std::map<Module, ModuleSums> m_sums;
  std::map<std::string, std::string> m_lists;
};

// A transparent log of records with a key of its own, below /db of a server.
class ChecksumLog {
 public:
  explicit ChecksumLog(std::string name = "sum.site.example")
      : m_name(std::move(name)), m_signer(trust::generate_key(trust::Scheme::ed25519)) {}

  void add(std::string record) { m_records.push_back(std::move(record)); }

  std::string key() const {
    const std::string raw =
        "\x01" + *base::from_hex(m_signer->public_key().json().at("keyval").at("public").get<std::string>());
    return fmt::format("{}+{}+{}", m_name, base::to_hex(hash(raw)), base::base64_encode(raw));
  }

  std::string head(std::size_t size) const {
    return note(fmt::format("go.sum database tree\n{}\n{}\n", size, base::base64_encode(bytes(root(0, size)))));
  }
  std::string note(const std::string& text) const {
    const std::string raw =
        "\x01" + *base::from_hex(m_signer->public_key().json().at("keyval").at("public").get<std::string>());
    const auto short_hash = hash(raw);
    const std::string signature = std::string(short_hash.begin(), short_hash.end()) + m_signer->sign(text);
    return fmt::format("{}\n\xe2\x80\x94 {} {}\n", text, m_name, base::base64_encode(signature));
  }
  const std::string& record(std::size_t id) const { return m_records[id]; }
  std::size_t size() const { return m_records.size(); }

  // A tile's hashes, as many as a tree of `size` records has there.
  std::string tile(unsigned level, std::uint64_t number, std::size_t size) const {
    std::string hashes;
    const std::size_t span = std::size_t{1} << (8 * level);
    for (std::size_t i = number * 256; i < (number + 1) * 256 && (i + 1) * span <= size; ++i) {
      hashes += bytes(root(i * span, (i + 1) * span));
    }
    return hashes;
  }

  // Scripts lookups of `modules` by record and all tiles of the whole tree.
  void serve(test::FaultServer& server, const std::string& prefix,
             const std::map<std::string, std::size_t>& ids) const {
    server.script(prefix + "/latest", {{.body = head(size())}});
    for (const auto& [module, id] : ids) {
      server.script(fmt::format("{}/lookup/{}", prefix, module),
                    {{.body = fmt::format("{}\n{}\n{}", id, record(id), head(size()))}});
    }
    for (unsigned level = 0; level < 2; ++level) {
      for (std::uint64_t number = 0; !tile(level, number, size()).empty(); ++number) {
        const std::string hashes = tile(level, number, size());
        const std::string partial = hashes.size() == 256 * 32 ? "" : fmt::format(".p/{}", hashes.size() / 32);
        server.script(fmt::format("{}/tile/8/{}/{:03}{}", prefix, level, number, partial), {{.body = hashes}});
      }
    }
  }

 private:
  static std::string bytes(const base::Digest& digest) {
    return {reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()};
  }
  std::vector<std::uint8_t> hash(const std::string& raw) const {
    const base::Digest sum = base::sha256(m_name + "\n" + raw);
    return {sum.bytes().begin(), sum.bytes().begin() + 4};
  }
  base::Digest root(std::size_t low, std::size_t high) const {
    if (high - low == 1) {
      return base::sha256(std::string(1, '\0') + m_records[low]);
    }
    std::size_t left = 1;
    while (left * 2 < high - low) {
      left *= 2;
    }
    return base::sha256("\x01" + bytes(root(low, low + left)) + bytes(root(low + left, high)));
  }

  std::string m_name;
  std::unique_ptr<trust::Signer> m_signer;
  std::vector<std::string> m_records;
};

}  // namespace airlock::ecosystem::go
