#include "ecosystem/go/query.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/version.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_pseudo = "pseudo";  // asks for pseudo-versions; no version is called that
constexpr std::size_t k_longest_revision = 128;

bool is_latest(std::string_view query) {
  return query == "latest" || query == "upgrade" || query == "patch";
}

// "<", "<=", ">", ">=" at its front, or "".
std::string_view comparison_of(std::string_view query) {
  const std::size_t end = query.find_first_not_of("<>=");
  const std::string_view sign = query.substr(0, end);
  return sign == "<" || sign == "<=" || sign == ">" || sign == ">=" ? sign : std::string_view();
}

bool is_revision(std::string_view text) {
  const auto allowed = [](char c) { return base::is_alphanumeric(c) || c == '.' || c == '-' || c == '_' || c == '+'; };
  return !text.empty() && text.size() <= k_longest_revision && std::all_of(text.begin(), text.end(), allowed) &&
         text.find("..") == std::string_view::npos && text.front() != '-' && text.front() != '.';
}

bool answers(std::string_view version, std::string_view query) {
  if (is_latest(query)) {
    return true;
  }
  const std::string_view sign = comparison_of(query);
  if (sign.empty()) {
    return answers_prefix(version, query);
  }
  const int order = compare_versions(version, query.substr(sign.size()));
  return sign == "<" ? order < 0 : sign == "<=" ? order <= 0 : sign == ">" ? order > 0 : order >= 0;
}

std::optional<Module> resolve_at(const std::string& path, const std::string& query, Proxy& proxy,
                                 ModuleSource& source) {
  const auto info_of = [&](std::string_view name) -> std::optional<Module> {
    const auto info = proxy.find(path, fmt::format("{}/{}", escape(path), name), k_largest_answer);
    if (!info) {
      return std::nullopt;
    }
    Module module{.path = path, .version = parse_info(info->body, info->url).version};
    if (is_canonical(query) && module.version != query) {
      throw Error(ErrorCode::upstream,
                  fmt::format("{} is about version '{}'", info->url, base::printable(module.version, 100)));
    }
    if (const auto problem = module_problem(module)) {
      throw Error(ErrorCode::upstream, fmt::format("{} answers with '{}', which has {}", info->url,
                                                   base::printable(module.to_string(), 200), *problem));
    }
    return module;
  };
  if (!is_latest(query) && comparison_of(query).empty() && !is_version_prefix(query)) {
    return info_of(fmt::format("@v/{}.info", escape(query)));
  }
  const auto list = proxy.find(path, escape(path) + "/@v/list", k_largest_list);
  if (!list) {
    return std::nullopt;
  }
  const std::vector<std::string> versions = matching_versions(path, list->body, query);
  if (versions.empty()) {
    if (!is_latest(query)) {
      return std::nullopt;
    }
    if (auto latest = info_of("@latest")) {
      return latest;
    }
    // Some proxies have no such answer and list pseudo-versions instead; the client takes the newest of these.
    const auto pseudo = matching_versions(path, list->body, k_pseudo);
    return pseudo.empty() ? std::nullopt : std::optional(Module{.path = path, .version = pseudo.front()});
  }
  // What was taken back is said by the newest version there is.
  const auto all = matching_versions(path, list->body, "latest");
  const GoMod& newest = source.mod_file({.path = path, .version = all.front()}).mod;
  const auto kept = std::find_if(versions.begin(), versions.end(),
                                 [&](const std::string& version) { return !is_retracted(newest, version); });
  return Module{.path = path, .version = kept == versions.end() ? versions.front() : *kept};
}

}  // namespace

Query parse_query(std::string_view text) {
  const std::size_t at = text.find('@');
  Query query{.path = std::string(text.substr(0, at)),
              .version = at == std::string_view::npos ? "latest" : std::string(text.substr(at + 1))};
  if (const auto problem = import_path_problem(query.path)) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' has {}", base::printable(text, 200), *problem))
        .with_hint("it is a module's or package's path as in an import, such as example.com/lib@v1.2.3");
  }
  const std::string_view version = query.version;
  const std::string_view sign = comparison_of(version);
  const std::string_view rest = version.substr(sign.size());
  if (!sign.empty() ? !is_canonical(rest) : !is_revision(rest)) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' does not end in a version", base::printable(text, 200)))
        .with_hint("after '@' stands v1.2.3, v1, <v2.0.0, latest, a branch or a commit");
  }
  return query;
}

std::string VersionInfo::to_json() const {
  base::Json info = {{"Version", version}};
  if (!time.empty()) {
    info["Time"] = time;
  }
  return info.dump();
}

VersionInfo parse_info(std::string_view json, const std::string& name) {
  const base::Json info = base::parse_json(json, name, {.bytes = k_largest_answer, .depth = 16, .members = 10'000});
  VersionInfo parsed{.version = base::string_member(info, "Version", name),
                     .time = base::string_member_or(info, "Time", "", name)};
  const auto of_time = [](char c) {
    return base::is_digit(c) || std::string_view("-:.+TZ").find(c) != std::string_view::npos;
  };
  if (parsed.time.size() > 64 || !std::all_of(parsed.time.begin(), parsed.time.end(), of_time)) {
    throw Error(ErrorCode::malformed, fmt::format("{} gives '{}' as a time", name, base::printable(parsed.time, 80)));
  }
  return parsed;
}

std::vector<std::string> matching_versions(std::string_view module_path, std::string_view list,
                                           std::string_view query) {
  std::vector<std::string> versions;
  for (const std::string& line : base::split(list, '\n')) {
    const std::string version(base::trim(std::string_view(line).substr(0, line.find(' '))));
    const bool answers_query =
        query == k_pseudo ? is_pseudo_version(version) : !is_pseudo_version(version) && answers(version, query);
    if (is_canonical(version) && answers_query &&
        !module_problem({.path = std::string(module_path), .version = version})) {
      versions.push_back(version);
    }
  }
  const bool oldest_first = comparison_of(query).starts_with('>');
  std::sort(versions.begin(), versions.end(), [&](const std::string& a, const std::string& b) {
    if (is_incompatible(a) != is_incompatible(b)) {
      return is_incompatible(b);
    }
    if (is_prerelease(a) != is_prerelease(b)) {
      return is_prerelease(b);
    }
    const int order = compare_versions(a, b);
    return oldest_first ? order < 0 : order > 0;
  });
  return versions;
}

std::optional<Module> find_module(const Query& query, Proxy& proxy, ModuleSource& source) {
  std::string path = query.path;
  std::optional<Error> failure;  // of a beginning that a proxy does not want to speak about; a shorter one may be right
  while (true) {
    if (!path_problem(path)) {
      // A version of a path whose major does not fit is one from before modules.
      std::string version = query.version;
      if (is_canonical(version) && module_problem({.path = path, .version = version}) &&
          !module_problem({.path = path, .version = version + "+incompatible"})) {
        version += "+incompatible";
      }
      if (is_canonical(version) && module_problem({.path = path, .version = version})) {
        version.clear();
      }
      try {
        if (auto module = version.empty() ? std::nullopt : resolve_at(path, version, proxy, source)) {
          return module;
        }
      } catch (const Error& error) {
        if (error.code() != ErrorCode::auth) {
          throw;
        }
        failure = failure ? failure : error;
      }
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
      if (failure) {
        throw Error(*failure);
      }
      return std::nullopt;
    }
    path.resize(slash);
  }
}

}  // namespace airlock::ecosystem::go
