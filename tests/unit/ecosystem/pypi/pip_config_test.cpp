#include "ecosystem/pypi/pip_config.hpp"

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

using base::ErrorCode;
using test::code_of;

TEST_CASE("pip's files are read", "[ecosystem][pypi]") {
  const IniFile file =
      parse_ini("# c\n[global]\nindex_url = https://a.example/simple\nextra-index-url:\n  https://b.example/\n"
                "  https://c.example/\n; c\n[install]\nNo-Index = no\n",
                "pip.conf");
  CHECK(file.at("global").at("index-url") == "https://a.example/simple");
  CHECK(file.at("global").at("extra-index-url") == "\nhttps://b.example/\nhttps://c.example/");
  CHECK(file.at("install").at("no-index") == "no");
  CHECK(code_of([] { return parse_ini("x = 1\n", "f").size(); }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_ini("[global]\nx\n", "f").size(); }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_ini("[global\n", "f").size(); }) == ErrorCode::malformed);
}

TEST_CASE("netrc gives logins by host", "[ecosystem][pypi]") {
  const auto logins = parse_netrc("machine a.example login u password p\nmachine B.example\n  password q\n  login v\n"
                                  "macdef x\n machine evil login e password e\n\ndefault login d password e\n");
  CHECK(logins.at("a.example").password.reveal() == "p");
  CHECK(logins.at("b.example").username == "v");
  CHECK(logins.at("").username == "d");
  CHECK_FALSE(logins.contains("evil"));
  CHECK(parse_netrc("login x machine").empty());
}

TEST_CASE("settings are taken in pip's order", "[ecosystem][pypi]") {
  const base::TempDir folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    base::make_directories((folder.path() / name).parent_path());
    base::write_file_atomic(folder.path() / name, text);
  };
  write("home/.config/pip/pip.conf", "[global]\nindex-url = https://user.example/simple\n");
  write("own.conf",
        "[global]\nindex-url = https://u%40x:p%3A@own.example:8443/simple/\nextra-index-url = https://e.example/s\n");
  write("home/.netrc", "machine user.example login n password m\n");
  Environment environment = {{"HOME", (folder.path() / "home").string()}, {"XDG_CONFIG_DIRS", folder.path().string()}};
  IndexSettings found = read_pip_settings(environment);
  CHECK(found.indexes.at(0).to_string() == "https://user.example/simple/");
  CHECK(found.netrc.at("user.example").username == "n");
  environment["PIP_CONFIG_FILE"] = (folder.path() / "own.conf").string();
  found = read_pip_settings(environment);
  REQUIRE(found.indexes.size() == 2);
  CHECK(found.indexes[0].user_info().empty());
  CHECK(found.by_origin.at("https://own.example:8443").reveal() == "Basic dUB4OnA6");
  environment["PIP_INDEX_URL"] = "https://env.example/simple";
  environment["PIP_EXTRA_INDEX_URL"] = "https://f.example/ https://g.example/";
  found = read_pip_settings(environment);
  REQUIRE(found.indexes.size() == 3);
  CHECK(found.indexes[0].host() == "env.example");
  environment["PIP_NO_INDEX"] = "1";
  CHECK(code_of([&] { return read_pip_settings(environment).indexes.size(); }) == ErrorCode::config);
  environment["PIP_NO_INDEX"] = "0";
  environment["PIP_INDEX_URL"] = "not a url";
  const auto error = test::error_of([&] { return read_pip_settings(environment).indexes.size(); });
  CHECK(error.code() == ErrorCode::config);
}

// Python imports from the folder where it starts, and an operator may stand in anybody's.
TEST_CASE("no file of the working directory is run when pip is asked", "[ecosystem][pypi]") {
  const base::TempDir folder, home;
  base::make_directories(folder.path() / "pip/_internal/models");
  for (const char* file : {"pip/__init__.py", "pip/_internal/__init__.py", "pip/_internal/models/__init__.py"}) {
    base::write_file_atomic(folder.path() / file, "");
  }
  base::write_file_atomic(folder.path() / "pip/_internal/models/index.py",
                          "open('ran', 'w')\nclass PyPI: simple_url = 'https://planted.example/'\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::string index;
  try {
    index = read_pip_settings({{"HOME", home.path().string()}}).indexes.at(0).host();
  } catch (const base::Error& error) {
    CHECK(error.code() == ErrorCode::config);  // a host without pip
  }
  std::filesystem::current_path(before);
  CHECK(index != "planted.example");
  CHECK_FALSE(std::filesystem::exists(folder.path() / "ran"));
}

}  // namespace airlock::ecosystem::pypi
