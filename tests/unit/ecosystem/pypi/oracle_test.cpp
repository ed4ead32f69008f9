// Against `packaging`, which pip itself uses: the same verdicts on versions, specifiers, markers and tags.
#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/requirement.hpp"
#include "ecosystem/pypi/target.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::pypi {

namespace {

const std::string k_import = R"(
import json, sys
try:
    import packaging.version, packaging.specifiers, packaging.markers, packaging.tags
except ImportError:
    import pip._vendor.packaging as packaging
    import pip._vendor.packaging.version, pip._vendor.packaging.specifiers, pip._vendor.packaging.markers, pip._vendor.packaging.tags
asked = json.load(sys.stdin)
)";

// nullopt where this host has no packaging.
std::optional<base::Json> ask(const std::string& script, const base::Json& question) {
  if (!base::program_exists("python3")) {
    return std::nullopt;
  }
  const auto result = base::run_process(
      {.argv = {"python3", "-c", k_import + script}, .input = question.dump(), .output_limit = 64u << 20});
  if (result.exit_code != 0 && result.errors.find("No module named") != std::string::npos) {
    return std::nullopt;
  }
  INFO(result.errors);
  REQUIRE(result.exit_code == 0);
  return base::parse_json(result.output, "the oracle");
}

std::vector<std::string> versions() {
  std::vector<std::string> list;
  for (const char* release : {"0", "1", "1.0", "1.0.0", "1.1", "1.1.1", "1.10", "2.0", "3.11", "3.11.2", "1!1.0"}) {
    for (const char* suffix :
         {"", "a1", "b2", "rc1", ".post1", ".dev3", "a1.dev2", "a1.post2", ".post1.dev2", "+l.1"}) {
      list.push_back(std::string(release) + suffix);
    }
  }
  return list;
}

}  // namespace

TEST_CASE("specifiers agree with packaging", "[ecosystem][pypi][oracle]") {
  std::vector<std::string> specifiers;
  for (const char* symbol : {"==", "!=", "<", "<=", ">", ">=", "~="}) {
    for (const std::string& version : versions()) {
      specifiers.push_back(symbol + version);
    }
  }
  for (const char* prefix : {"1.*", "1.0.*", "1.1.*", "3.11.*", "1!1.*", "0.*"}) {
    specifiers.push_back(std::string("==") + prefix);
    specifiers.push_back(std::string("!=") + prefix);
  }
  specifiers.insert(specifiers.end(), {"===1.0", ">=1.0,<2", ">=1,!=1.1.*,<3", "~=1.0,!=1.0.0"});
  const auto answer = ask(R"(
out = []
V = [packaging.version.Version(v) for v in asked["versions"]]
for text in asked["specifiers"]:
    try:
        s = packaging.specifiers.SpecifierSet(text)
    except packaging.specifiers.InvalidSpecifier:
        out.append(None)
        continue
    out.append("".join("1" if s.contains(v, prereleases=True) else "0" for v in V))
order = sorted(range(len(V)), key=lambda i: V[i])
exact = getattr(packaging, "__version__", "0").split(".")[0]
print(json.dumps({"exact": exact.isdigit() and int(exact) >= 26, "contains": out, "normal": [str(v) for v in V], "prerelease": [v.is_prerelease for v in V],
                  "less": ["".join("1" if a < b else "0" for b in V) for a in V]}))
)",
                          {{"versions", versions()}, {"specifiers", specifiers}});
  if (!answer) {
    WARN("no packaging here: nothing was compared");
    return;
  }
  const auto all = versions();
  std::size_t differences = 0;
  const auto differs = [&](const std::string& what) {
    if (++differences < 20) {
      UNSCOPED_INFO(what);
    }
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Version version = *Version::parse(all[i]);
    if (version.to_string() != (*answer)["normal"][i] || version.is_prerelease() != (*answer)["prerelease"][i]) {
      differs(all[i]);
    }
    for (std::size_t j = 0; j < all.size(); ++j) {
      if ((version < *Version::parse(all[j])) != ((*answer)["less"][i].get<std::string>()[j] == '1')) {
        differs(all[i] + " < " + all[j]);
      }
    }
  }
  for (std::size_t i = 0; i < specifiers.size(); ++i) {
    const auto own = SpecifierSet::parse(specifiers[i]);
    // Before release 26 it took "<" and ">" of suffixed versions by their base alone, against the specification.
    const bool exclusive = (specifiers[i][0] == '<' || specifiers[i][0] == '>') && specifiers[i][1] != '=';
    if (exclusive && !(*answer)["exact"].get<bool>() &&
        Version::parse(specifiers[i].substr(1))->to_string().find_first_of("abrpd") != std::string::npos) {
      continue;
    }
    const base::Json& theirs = (*answer)["contains"][i];
    if (own.has_value() == theirs.is_null()) {
      differs(specifiers[i] + " is valid for one only");
      continue;
    }
    for (std::size_t j = 0; own && j < all.size(); ++j) {
      if (own->contains(*Version::parse(all[j]), all[j]) != (theirs.get<std::string>()[j] == '1')) {
        differs(all[j] + " in " + specifiers[i]);
      }
    }
  }
  CHECK(differences == 0);
}

TEST_CASE("markers agree with packaging", "[ecosystem][pypi][oracle]") {
  std::vector<std::string> markers;
  for (const char* variable : {"python_version", "python_full_version", "implementation_version"}) {
    for (const char* symbol : {"<", "<=", "==", "!=", ">", ">=", "~="}) {
      for (const char* value : {"3.8", "3.11", "3.11.0", "3.12", "3.11.1"}) {
        markers.push_back(fmt::format("{} {} '{}'", variable, symbol, value));
        markers.push_back(fmt::format("'{}' {} {}", value, symbol, variable));
      }
    }
  }
  markers.insert(markers.end(),
                 {"python_version == '3.11.*'", "python_version in '3.10, 3.11'", "python_version not in '3.8'",
                  "sys_platform == 'linux'",
                  "sys_platform == 'win32' or os_name == 'posix' and platform_system == 'Linux'",
                  "(sys_platform == 'win32' or os_name == 'posix') and platform_machine != 'x86_64'",
                  "platform_python_implementation == 'CPython'", "implementation_name != 'pypy'", "extra == 'a-b'",
                  "extra == 'A_B'", "'linux' in sys_platform", "os.name == 'posix'", "platform_machine == 'aarch64'"});
  const Target target(*PythonVersion::parse("3.11"), model::Platform::parse("linux/amd64"), Libc{});
  base::Json environment = target.markers();
  environment["extra"] = "a-b";
  const auto answer = ask(R"(
print(json.dumps([packaging.markers.Marker(m).evaluate(asked["environment"]) for m in asked["markers"]]))
)",
                          {{"markers", markers}, {"environment", environment}});
  if (!answer) {
    WARN("no packaging here: nothing was compared");
    return;
  }
  for (std::size_t i = 0; i < markers.size(); ++i) {
    INFO(markers[i]);
    CHECK(Marker::parse(markers[i]).holds(target.markers(), "a-b") == (*answer)[i].get<bool>());
  }
}

TEST_CASE("tags and their order agree with packaging", "[ecosystem][pypi][oracle]") {
  const auto answer = ask(R"(
tags = packaging.tags
def order(version, platforms):
    interpreter = "cp%d%d" % version
    found = list(tags.cpython_tags(version, [interpreter], platforms)) + list(tags.compatible_tags(version, interpreter, platforms))
    return [str(t) for t in found]
import importlib
m = importlib.import_module(tags.__name__.rsplit(".", 1)[0] + "._manylinux")
m._get_glibc_version = lambda: (2, 28)
m._is_compatible = lambda *a: True
m._have_compatible_abi = lambda *a: True
def manylinux(arch):
    try:
        return list(m.platform_tags([arch]))
    except TypeError:
        return list(m.platform_tags("linux_" + arch, arch))
print(json.dumps({
  "linux/amd64": order((3, 11), manylinux("x86_64") + ["linux_x86_64"]),
  "linux/arm64": order((3, 11), manylinux("aarch64") + ["linux_aarch64"]),
  "darwin/arm64": order((3, 11), list(tags.mac_platforms((13, 0), "arm64"))),
  "darwin/amd64": order((3, 11), list(tags.mac_platforms((13, 0), "x86_64"))),
  "windows/amd64": order((3, 11), ["win_amd64"]),
}))
)",
                          base::Json::object());
  if (!answer) {
    WARN("no packaging here: nothing was compared");
    return;
  }
  for (const auto& [name, theirs] : answer->items()) {
    const Target target(*PythonVersion::parse("3.11"), model::Platform::parse(name), Libc{});
    std::vector<std::string> once;
    for (const base::Json& tag : theirs) {
      // Some versions of packaging misspell a format that died with PowerPC.
      const std::string text = tag.get<std::string>();
      const std::string now = text.ends_with("_fat3") ? text + "2" : text;
      if (std::find(once.begin(), once.end(), now) == once.end()) {
        once.push_back(now);
      }
    }
    INFO(name);
    CHECK(once.size() > 20);
    const auto [own, other] = std::mismatch(target.tags().begin(), target.tags().end(), once.begin(), once.end());
    CHECK((own == target.tags().end() ? "" : *own) == (other == once.end() ? "" : *other));
  }
}

}  // namespace airlock::ecosystem::pypi
