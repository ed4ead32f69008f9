#include "ecosystem/pypi/index_page.hpp"

#include "ecosystem/pypi/json_list.hpp"
#include "ecosystem/pypi/simple_page.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

using base::ErrorCode;
using base::Url;
using test::code_of;

namespace {
const Url k_url = Url::parse("https://index.example/simple/foo/");
const std::string k_hex(64, 'a');

IndexPage json(const std::string& files, const std::string& name = "foo") {
  return parse_json_page(R"({"meta":{"api-version":"1.1"},"name":")" + name + R"(","files":[)" + files + "]}", "foo",
                         k_url);
}
IndexPage html(const std::string& body) {
  return parse_html_page("<!DOCTYPE html><html><body>" + body + "</body></html>", "foo", k_url);
}
}  // namespace

TEST_CASE("a JSON page is read", "[ecosystem][pypi]") {
  const IndexPage page = json(
      R"({"filename":"foo-1.0-py3-none-any.whl","url":"../../f/foo-1.0-py3-none-any.whl","hashes":{"sha256":")" +
      k_hex +
      R"("},"requires-python":">=3.8","size":10,"upload-time":"2024-01-01T00:00:00Z","yanked":"bad","core-metadata":{"sha256":")" +
      k_hex + R"("}},{"filename":"foo-1.0.exe","url":"x"},{"filename":"other-1.0.tar.gz","url":"x"},
      {"filename":"foo-0.9.tar.gz","url":"https://files.example/foo-0.9.tar.gz#sha256=x","hashes":{},"yanked":false,"requires-python":null})");
  REQUIRE(page.files.size() == 2);
  const IndexFile& wheel = page.files[0];
  CHECK(wheel.url.to_string() == "https://index.example/f/foo-1.0-py3-none-any.whl");
  CHECK(wheel.sha256() == k_hex);
  CHECK(wheel.requires_python == ">=3.8");
  CHECK(wheel.yanked == "bad");
  CHECK(wheel.core_metadata == k_hex);
  CHECK(wheel.size == 10u);
  CHECK(page.files[1].sha256().empty());
  CHECK_FALSE(page.files[1].yanked);
  CHECK_FALSE(page.files[1].core_metadata);
  CHECK(page.files[1].url.to_string() == "https://files.example/foo-0.9.tar.gz");
}

TEST_CASE("an HTML page is read", "[ecosystem][pypi]") {
  const IndexPage page =
      html("<!-- <a href='foo-9.tar.gz'>x</a> --><A HREF=\"/f/foo-1.0%2Bx-py3-none-any.whl#sha256=" + k_hex +
           "\" data-requires-python=\"&gt;=3.8\" data-yanked data-core-metadata='sha256=" + k_hex +
           "'>foo-1.0+x-py3-none-any.whl</A><a>nothing</a><a href='mailto:x@y.example'>m</a>"
           "<a href=foo-0.9.tar.gz data-dist-info-metadata=\"true\">foo</a>");
  REQUIRE(page.files.size() == 2);
  CHECK(page.files[0].file == "foo-1.0+x-py3-none-any.whl");
  CHECK(page.files[0].requires_python == ">=3.8");
  CHECK(page.files[0].yanked == "");
  CHECK(page.files[0].sha256() == k_hex);
  CHECK(page.files[0].core_metadata == k_hex);
  CHECK(page.files[1].core_metadata == "");
  CHECK(page.files[1].url.to_string() == "https://index.example/simple/foo/foo-0.9.tar.gz");
  CHECK(parse_html_page("<html><base href='https://b.example/x/'><a href='foo-1.tar.gz'></a></html>", "foo", k_url)
            .files.at(0)
            .url.to_string() == "https://b.example/x/foo-1.tar.gz");
}

TEST_CASE("pages that are none, half or of another project are refused", "[ecosystem][pypi]") {
  CHECK(code_of([] { return json("", "bar").files; }) == ErrorCode::malformed);
  for (const char* text :
       {"", "<html></html>", "[]", "{}", "{\"meta\":{\"api-version\":\"2.0\"},\"name\":\"foo\",\"files\":[]}",
        "{\"meta\":{\"api-version\":\"1.0\"},\"name\":\"foo\",\"files\":[",
        "{\"meta\":{\"api-version\":\"1.0\"},\"name\":\"foo\"}"}) {
    INFO(text);
    CHECK(code_of([&] { return parse_json_page(text, "foo", k_url).files; }) == ErrorCode::malformed);
  }
  CHECK(code_of([] { return html("<a href='https://login.example/'>sign in</a>").files; }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_html_page("<html><a href='foo-1.tar.gz'>", "foo", k_url).files; }) ==
        ErrorCode::malformed);
  CHECK(code_of([] { return html("<meta name='pypi:repository-version' content='2.0'>").files; }) ==
        ErrorCode::malformed);
  CHECK(html("").files.empty());
}

TEST_CASE("a list is taken apart without reading it whole", "[ecosystem][pypi]") {
  const auto split =
      split_json_list(R"( {"a":{"files":[{"no":1}]}, "files" : [ {"x":"]}\"{"} ,{"y":[{}]}] ,"z":1} )", "files");
  CHECK(split.items == std::vector<std::string_view>{R"({"x":"]}\"{"})", R"({"y":[{}]})"});
  CHECK(split.rest == R"( {"a":{"files":[{"no":1}]}, "files" : [] ,"z":1} )");
  for (const char* text :
       {R"({"files":[]})", R"({"files":[1]})", R"({"files":[{}{}]})", R"({"files":[{},]})", R"({"files":[{)",
        R"({"files":"[{}]"})", R"(["files",[{}]])", R"({"f\u0069les":[{}]})", "", "{", "\"files"}) {
    INFO(text);
    const auto whole = split_json_list(text, "files");
    CHECK(whole.items.empty());
    CHECK(whole.rest == text);
  }
  // What is no JSON is none in parts.
  for (const char* files : {R"({"filename":"a",})", R"({"a":1,"a":2})", R"({"a":[1})", R"({"a":1}} )", R"({"a":"\x"})",
                            R"({"a":1};{"a":1})"}) {
    INFO(files);
    CHECK(code_of([&] { return json(files).files; }) == ErrorCode::malformed);
  }
  CHECK(code_of([] {
          return parse_json_page(R"({"meta":{"api-version":"1.0"},"name":"foo","files":[{}],"files":[{}]})", "foo",
                                 k_url)
              .files;
        }) == ErrorCode::malformed);
}

TEST_CASE("names that differ in case or spelling only are told", "[ecosystem][pypi]") {
  const IndexPage page = json(R"({"filename":"foo-1.0.tar.gz","url":"a"},{"filename":"FOO-1.0.tar.gz","url":"b"},
                                 {"filename":"foo-1-0.tar.gz","url":"c"})");
  CHECK(page.files.size() == 2);
  CHECK(page.left_out == std::vector<std::string>{"FOO-1.0.tar.gz"});
}

TEST_CASE("entries and hostile values survive the way to a served page", "[ecosystem][pypi]") {
  const IndexPage page = json(R"({"filename":"foo-1.0.tar.gz","url":"a","hashes":{"sha256":"zz","sha1":"x"},
      "requires-python":">=3\"><script>","yanked":"because <b>\"&"},
      {"filename":"foo-2.tar.gz","url":"javascript:x"},{"filename":"foo-3.tar.gz","url":"ftp://h.example/x"},{"filename":"foo-4.tar.gz","url":"http://[bad"})");
  REQUIRE(page.files.size() == 1);
  CHECK(page.files[0].hashes.empty());
  const ServedFile served{.file = "foo-1.0.tar.gz",
                          .version = "1.0",
                          .sha256 = k_hex,
                          .size = 3,
                          .entry = parse_entry(entry_text(page.files[0])),
                          .metadata = {}};
  const std::string out = project_page("foo", {served}, PageForm::html);
  CHECK(out.find("<script>") == std::string::npos);
  CHECK(out.find("<b>") == std::string::npos);
  const IndexPage again = parse_html_page(out, "foo", Url::parse("https://m.example/pypi/simple/foo/"));
  REQUIRE(again.files.size() == 1);
  CHECK(again.files[0].requires_python == page.files[0].requires_python);
  CHECK(again.files[0].yanked == page.files[0].yanked);
  CHECK(again.files[0].url.to_string() == "https://m.example/pypi/foo/foo-1.0.tar.gz");
  const IndexPage once_more = parse_json_page(project_page("foo", {served}, PageForm::json), "foo",
                                              Url::parse("https://m.example/pypi/simple/foo/"));
  CHECK(entry_text(once_more.files.at(0)).find(k_hex) != std::string::npos);
}

TEST_CASE("an entry that nobody honest carries says nothing that a client cannot read", "[ecosystem][pypi]") {
  const ServedFile served{.file = "foo-1.0.tar.gz",
                          .version = "1.0",
                          .sha256 = k_hex,
                          .size = 3,
                          .entry = parse_entry(R"({"filename":"foo-1.0.tar.gz","yanked":{"a":[1]},"upload-time":5})"),
                          .metadata = {}};
  const base::Json page = base::Json::parse(project_page("foo", {served}, PageForm::json));
  CHECK(page["files"][0]["yanked"] == false);
  CHECK_FALSE(page["files"][0].contains("upload-time"));
}

TEST_CASE("Accept chooses the form", "[ecosystem][pypi]") {
  CHECK(choose_form("") == PageForm::legacy_html);
  CHECK(choose_form("*/*") == PageForm::legacy_html);
  CHECK(choose_form(
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01") ==
        PageForm::json);
  CHECK(choose_form("application/vnd.pypi.simple.v1+html, text/html; q=0.01") == PageForm::html);
  CHECK(choose_form("text/html") == PageForm::legacy_html);
  CHECK_FALSE(choose_form("application/json"));
  CHECK_FALSE(choose_form("text/html;q=0"));
  CHECK(choose_form("text/html;q=nan, application/vnd.pypi.simple.v1+json;q=0.1") == PageForm::json);
}

}  // namespace airlock::ecosystem::pypi
