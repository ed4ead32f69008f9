#include "model/file_row.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

using base::ErrorCode;

namespace {

const std::string k_hex(64, 'a');

FileRow full_row() {
  FileRow row;
  row.ecosystem = "tool";
  row.path = "opentofu/1.12.6/tofu_1.12.6_linux_amd64.zip";
  row.artifact = "pkg:generic/opentofu@1.12.6";
  row.kind = Kind::file;
  row.media_type = "application/zip";
  row.platform = "linux/amd64";
  row.origin = "https://releases.example/tofu_1.12.6_linux_amd64.zip";
  row.pin = "sha256:" + k_hex;
  row.verified = Verified::upstream_signature;
  row.length = 12345;
  row.sha256 = base::Digest::parse_sha256_hex(k_hex);
  return row;
}

ErrorCode refusal(const std::string& line, RowForm form = RowForm::lock) {
  INFO(line);
  return test::code_of([&] { return parse_row(line, form, form == RowForm::catalog ? "tool" : "", "line 2"); });
}

}  // namespace

TEST_CASE("a row survives both of its forms", "[model][file_row]") {
  const FileRow row = full_row();
  CHECK(parse_row(to_json_line(row, RowForm::lock), RowForm::lock, "", "x") == row);

  FileRow in_catalog = row;
  in_catalog.pin.clear();  // what upstream states is of no use there
  CHECK(parse_row(to_json_line(row, RowForm::catalog), RowForm::catalog, "tool", "x") == in_catalog);
}

TEST_CASE("members have a fixed order and empty ones are left out", "[model][file_row]") {
  CHECK(to_json_line(full_row(), RowForm::catalog) ==
        R"({"path":"opentofu/1.12.6/tofu_1.12.6_linux_amd64.zip","length":12345,"sha256":")" + k_hex +
            R"(","artifact":"pkg:generic/opentofu@1.12.6","kind":"file","media_type":"application/zip",)"
            R"("platform":"linux/amd64","origin":"https://releases.example/tofu_1.12.6_linux_amd64.zip",)"
            R"("verified":"upstream-signature"})");
  FileRow row;
  row.ecosystem = "npm";
  row.path = "left-pad";
  row.kind = Kind::known;
  CHECK(to_json_line(row, RowForm::lock) ==
        R"({"ecosystem":"npm","path":"left-pad","kind":"known","verified":"none"})");
}

TEST_CASE("kinds and ways of verification print and parse", "[model][file_row]") {
  for (const Kind kind : {Kind::file, Kind::meta, Kind::tag, Kind::layout, Kind::known, Kind::withheld}) {
    CHECK(parse_kind(to_string(kind)) == kind);
  }
  for (const Verified verified : {Verified::none, Verified::waived, Verified::upstream_digest,
                                  Verified::upstream_signature, Verified::checksum_database}) {
    CHECK(parse_verified(to_string(verified)) == verified);
  }
  CHECK(test::code_of([] { return parse_kind("File"); }) == ErrorCode::malformed);
  CHECK(test::code_of([] { return parse_verified(""); }) == ErrorCode::malformed);
}

TEST_CASE("hostile paths are refused", "[model][file_row]") {
  const std::string path = GENERATE(as<std::string>{}, "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b",
                                    "../a", "a/..", "a\\b", " a", "a ", std::string("a\0b", 3), "a\nb", "a\x7f",
                                    "a\xff", "a\xe2\x80\xae", "a\xc2\x80", std::string(1025, 'a'));
  INFO(path);
  CHECK(test::code_of([&] { check_path(path, "x"); }) == ErrorCode::malformed);
}

TEST_CASE("ordinary paths are taken", "[model][file_row]") {
  const std::string path =
      GENERATE(as<std::string>{}, "a", "a/b", "docs/guide one.pdf", "...", "a/..b", "@scope/name/-/x.tgz",
               "größe/datei.txt", "registry.example_5000/app@sha256:00", "host/repo:1.2", "~x/%41");
  INFO(path);
  CHECK_NOTHROW(check_path(path, "x"));
}

TEST_CASE("rows with a mistake are refused, naming the line", "[model][file_row]") {
  const auto error = test::error_of([] { return parse_row(R"({"path":"a"})", RowForm::lock, "", "line 2"); });
  CHECK(error.message().find("line 2") != std::string::npos);

  const std::string good = R"({"ecosystem":"tool","path":"a")";
  CHECK(refusal(good + R"(,"extra":"x"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"path":"b"})") == ErrorCode::malformed);
  CHECK(refusal(R"({"ecosystem":"tool"})") == ErrorCode::malformed);
  CHECK(refusal(R"({"path":"a"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"kind":"folder"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"verified":"yes"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"artifact":"left-pad"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"artifact":"pkg:npm/a b"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"origin":"no-scheme"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"origin":"https://user:secret@h.example/"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"pin":"md5:00"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"pin":"h1:short="})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"sha256":"00"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"sha256":")" + std::string(64, 'A') + "\"}") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"length":-1})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"length":"1"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"platform":"a b"})") == ErrorCode::malformed);
  CHECK(refusal(good + R"(,"kind":"known","length":1})") == ErrorCode::malformed);
  CHECK(refusal(good + ",\"media_type\":\"" + std::string(70000, 'x') + "\"}") == ErrorCode::limit);
}

TEST_CASE("a catalog row has both length and digest unless it is only known", "[model][file_row]") {
  const std::string digest = R"(,"sha256":")" + k_hex + "\"";
  CHECK(refusal(R"({"path":"a"})", RowForm::catalog) == ErrorCode::malformed);
  CHECK(refusal(R"({"path":"a","length":1})", RowForm::catalog) == ErrorCode::malformed);
  CHECK(refusal(R"({"path":"a")" + digest + "}", RowForm::catalog) == ErrorCode::malformed);
  CHECK(refusal(R"({"path":"a","kind":"known","length":1})", RowForm::catalog) == ErrorCode::malformed);
  CHECK(refusal(R"({"path":"a","length":1,"ecosystem":"oci")" + digest + "}", RowForm::catalog) ==
        ErrorCode::malformed);
  CHECK(refusal(R"({"path":"a","length":1,"pin":"x")" + digest + "}", RowForm::catalog) == ErrorCode::malformed);
  CHECK(parse_row(R"({"path":"a","kind":"known"})", RowForm::catalog, "npm", "x").ecosystem == "npm");
  CHECK(parse_row(R"({"path":"a","length":0)" + digest + "}", RowForm::catalog, "npm", "x").length == 0);
}

}  // namespace airlock::model
