// Versions and ranges, by table and against the node-semver that the host's npm brings.
#include "ecosystem/npm/semver.hpp"

#include <array>

#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::npm {

namespace {

SemVer version(std::string_view text) {
  INFO(text);
  const auto parsed = SemVer::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

bool satisfies(std::string_view candidate, std::string_view range) {
  const auto parsed = Range::parse(range);
  return parsed && parsed->satisfied_by(version(candidate));
}

const std::vector<std::string> k_versions = {"0.0.0",         "0.0.1",        "0.0.2-rc.1",    "0.1.0",
                                             "0.1.2",         "0.2.0-0",      "0.2.3",         "1.0.0-alpha",
                                             "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0",
                                             "1.0.1",         "1.2.0-pre",    "1.2.3",         "1.2.3-beta",
                                             "1.2.3-beta.4",  "1.2.4",        "1.3.0",         "1.9.9",
                                             "1.10.0",        "2.0.0-0",      "2.0.0-rc.1",    "2.0.0",
                                             "2.3.4",         "2.3.5-1",      "3.0.0-alpha",   "3.0.0",
                                             "3.1.4",         "10.20.30",     "1.2.3+build",   "9007199254740991.0.0"};

const std::vector<std::string> k_ranges = {"",
                                           "*",
                                           "x",
                                           "X.x",
                                           "1",
                                           "1.x",
                                           "1.2",
                                           "1.2.x",
                                           "1.2.3",
                                           "=1.2.3",
                                           "v1.2.3",
                                           "= v1.2.3",
                                           "==1.2.3",
                                           ">1",
                                           ">1.2",
                                           ">1.2.3",
                                           ">=1",
                                           ">=1.2",
                                           ">=1.2.3",
                                           "<1",
                                           "<1.2",
                                           "<1.2.3",
                                           "<=1",
                                           "<=1.2",
                                           "<=1.2.3",
                                           "<2.0.0",
                                           "<2.0.0-0",
                                           "^0",
                                           "^0.0",
                                           "^0.0.1",
                                           "^0.1",
                                           "^0.1.2",
                                           "^1",
                                           "^1.2",
                                           "^1.2.3",
                                           "^1.2.3-beta",
                                           "^1.2.3-beta.2",
                                           "^0.0.2-rc.0",
                                           "^0.2.0-0",
                                           "~0",
                                           "~1",
                                           "~1.2",
                                           "~1.2.3",
                                           "~1.2.3-beta",
                                           "~>1.2",
                                           "~> 1.2.3",
                                           "~0.0.1",
                                           "^ 1.2.3",
                                           "~ 1.2",
                                           ">= 1.2.3",
                                           "> 1",
                                           "1.2.3 - 2.3.4",
                                           "1.2 - 2.3.4",
                                           "1.2.3 - 2.3",
                                           "1.2.3 - 2",
                                           "1 - 2",
                                           "* - 2",
                                           "1 - x",
                                           "1.2.3-beta - 2.0.0-rc.2",
                                           ">=1.2.3 <2",
                                           ">=1.2.3-beta <2",
                                           "<1 || >=3",
                                           "^1 || ^3",
                                           "1.2.3 || ",
                                           "||",
                                           "|| 1",
                                           ">=1 <2 || >=3 <4",
                                           "latest",
                                           "next",
                                           "foo bar",
                                           "1.2.3 foo",
                                           "1.2.3.4",
                                           "1.2.30.4",
                                           "1.2.3beta",
                                           "1.2.3-",
                                           ">=1.2.3beta",
                                           "01.02.03",
                                           ">01.2.3",
                                           "^01.2",
                                           ">x",
                                           "<x",
                                           ">=x",
                                           "<=*",
                                           "=*",
                                           ">*",
                                           "^x",
                                           "~x",
                                           "^1.x",
                                           "^0.x",
                                           "~1.x",
                                           "^1.2.x",
                                           "^1.*",
                                           ">1.x",
                                           "<=1.x",
                                           "<1.x",
                                           "=1.x",
                                           "1.x.x",
                                           ">=0.0.0",
                                           ">=0.0.0-0",
                                           "<0.0.0",
                                           "<0.0.0-0",
                                           "^1.2.3+build",
                                           "1.2.3+build",
                                           ">=1.2.3+b.1 <2",
                                           "1.2.3 1.2.3",
                                           ">1 <1",
                                           "git+x",
                                           "./x",
                                           "npm:x@1",
                                           "99999999999999999999.0.0",
                                           ">99999999999999999999",
                                           "^9007199254740991.0.0",
                                           "1.0.0-alpha.beta || 1.0.0-alpha",
                                           ">=1.0.0-alpha <1.0.0",
                                           ">=1.0.0-alpha.1",
                                           "  1.2.3  ",
                                           "1.2.3\t||\t2.0.0",
                                           ">=1.2.3,<2",
                                           "1,2",
                                           "!1.2.3",
                                           "<>1",
                                           "=>1.2.3",
                                           ">=>1.2.3",
                                           "1.2.3 -2.0.0",
                                           "1.2.3- 2.0.0",
                                           "1.2.3-beta.11 - 1.2.4",
                                           "~1.2.3 ^1.2",
                                           "^2.0.0-rc.1 || ~3"};

}  // namespace

TEST_CASE("versions are read leniently and ordered by precedence", "[ecosystem][npm][semver]") {
  CHECK(version("v1.2.3").to_string() == "1.2.3");
  CHECK(version("=1.2.3-rc.1+build.5").to_string() == "1.2.3-rc.1");
  CHECK(version("1.2.3rc1").to_string() == "1.2.3-rc1");
  for (const char* text :
       {"", "1", "1.2", "1.2.x", "a.b.c", "1.2.3.4x y", "9007199254740992.0.0", "1.2.3 4", "1.2.3+"}) {
    INFO(text);
    CHECK_FALSE(SemVer::parse(text));
  }
  CHECK_FALSE(SemVer::parse("1.2.3-" + std::string(300, 'a')));
  const std::array ordered = {
      "1.0.0-1",      "1.0.0-2",       "1.0.0-10",   "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
      "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",       "1.0.1",         "1.10.0"};
  for (std::size_t i = 1; i < ordered.size(); ++i) {
    INFO(ordered[i]);
    CHECK(version(ordered[i - 1]) < version(ordered[i]));
  }
  CHECK(version("1.0.0+a") == version("1.0.0+b"));
}

TEST_CASE("a prerelease satisfies only a range that names one of the same release", "[ecosystem][npm][semver]") {
  CHECK(satisfies("1.2.3-beta.4", "^1.2.3-beta.2"));
  CHECK_FALSE(satisfies("1.2.4-beta", "^1.2.3-beta.2"));
  CHECK_FALSE(satisfies("2.0.0-rc.1", "*"));
  CHECK_FALSE(satisfies("2.0.0-rc.1", "^1"));
  CHECK(satisfies("1.2.3", "^1.2.3-beta.2"));
}

TEST_CASE("what is no range is none", "[ecosystem][npm][semver]") {
  for (const char* text : {"latest", "next", "git+x", "./x", "a b c", "npm:x@1"}) {
    INFO(text);
    CHECK_FALSE(Range::parse(text));
  }
  CHECK_FALSE(Range::parse(std::string(5000, '1')));
  CHECK(Range::parse("")->is_any());
  CHECK(Range::parse("1 || *")->is_any());
  CHECK_FALSE(Range::parse("1")->is_any());
}

TEST_CASE("ranges intersect where a version may satisfy both", "[ecosystem][npm][semver]") {
  const auto intersect = [](std::string_view a, std::string_view b) {
    return Range::parse(a)->intersects(*Range::parse(b));
  };
  CHECK(intersect("^1.2", ">=1.9 <3"));
  CHECK(intersect("*", "^9"));
  CHECK(intersect("1.2.3", "~1.2"));
  CHECK_FALSE(intersect("^1", "^2"));
  CHECK_FALSE(intersect("<1.0.0", ">=1.0.0"));
  CHECK_FALSE(intersect("1.2.3", "1.2.4"));
  CHECK(intersect("<1 || ^3", "^3.1"));
}

TEST_CASE("every verdict is that of node-semver", "[ecosystem][npm][semver]") {
  if (!base::program_exists("node") || !base::program_exists("npm")) {
    WARN("there is no node to ask");
    return;
  }
  const std::string root(base::trim(base::run_process({.argv = {"npm", "root", "-g"}}).output));
  const std::string script = R"(
    const semver = require(process.argv[1] + '/npm/node_modules/semver');
    const {versions, ranges} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    const loose = {loose: true};
    console.log(JSON.stringify({
      valid: ranges.map(r => semver.validRange(r, loose) !== null),
      verdicts: ranges.map(r => versions.map(v => semver.satisfies(v, r, loose))),
      parsed: ranges.map(r => { const v = semver.parse(r, loose); return v ? v.version : null; }),
      order: versions.map(a => versions.map(b => semver.compare(a, b, loose)))}));)";
  const base::Json question = {{"versions", k_versions}, {"ranges", k_ranges}};
  const auto answer =
      base::run_process({.argv = {"node", "-e", script, root}, .input = question.dump(), .environment = {}});
  INFO(answer.errors);
  if (answer.exit_code != 0) {
    WARN("the host's npm brings no semver");
    return;
  }
  const base::Json expected = base::parse_json(answer.output, "node");
  for (std::size_t r = 0; r < k_ranges.size(); ++r) {
    INFO("range '" << k_ranges[r] << "'");
    const auto range = Range::parse(k_ranges[r]);
    CHECK(range.has_value() == expected["valid"][r].get<bool>());
    for (std::size_t v = 0; v < k_versions.size(); ++v) {
      INFO("version " << k_versions[v]);
      CHECK((range && range->satisfied_by(version(k_versions[v]))) == expected["verdicts"][r][v].get<bool>());
    }
    const auto parsed = SemVer::parse(k_ranges[r]);
    CHECK((parsed ? base::Json(parsed->to_string()) : base::Json()) == expected["parsed"][r]);
  }
  for (std::size_t a = 0; a < k_versions.size(); ++a) {
    for (std::size_t b = 0; b < k_versions.size(); ++b) {
      INFO(k_versions[a] << " and " << k_versions[b]);
      const auto order = version(k_versions[a]) <=> version(k_versions[b]);
      CHECK((order < 0 ? -1 : order > 0 ? 1 : 0) == expected["order"][a][b].get<int>());
    }
  }
}

}  // namespace airlock::ecosystem::npm
