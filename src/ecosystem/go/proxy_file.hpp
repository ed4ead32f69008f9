// A module's zip behind a proxy's address: whole, by ranges, or one file in it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/go/proxy.hpp"

namespace airlock::ecosystem::go {

class ProxyFile : public Fetchable {
 public:
  // `context`'s http outlives this. `length` of the whole where it is known.
  ProxyFile(const ResolveContext& context, const Proxy& proxy, const base::Url& url,
            std::optional<std::uint64_t> length = std::nullopt);
  // Throws limit beyond 500 MiB, which is what a client takes.
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override;
  // Asks for it; nullopt where the server does not tell, or does not answer such a question. Throws not_found.
  std::optional<std::uint64_t> ask_length() const;

 private:
  http::Client& m_http;
  base::Url m_url;
  base::Secret m_authorization;
  std::optional<std::uint64_t> m_length;
};

// The file nearest to the root of the zip at `url` whose path in the module `wanted` accepts; of the zip only what is
// needed is read, so nothing is proved but the file's own checksum. nullopt where there is none, or where nobody says
// how long the zip is, which is asked for where it is not given. Throws limit beyond `limit` bytes, malformed.
std::optional<std::string> read_module_file(const ResolveContext& context, const Proxy& proxy, const Module& module,
                                            const base::Url& url, std::optional<std::uint64_t> length,
                                            const std::function<bool(std::string_view name)>& wanted,
                                            std::size_t limit);

}  // namespace airlock::ecosystem::go
