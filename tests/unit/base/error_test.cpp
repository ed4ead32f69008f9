#include "base/error.hpp"

#include <cerrno>
#include <set>

#include "support/errors.hpp"

using namespace airlock::base;

TEST_CASE("every error code has its own name, an exit code and a meaning", "[base][error]") {
  std::set<std::string_view> names;
  for (const auto& info : all_error_codes()) {
    CAPTURE(info.name);
    CHECK(error_code_info(info.code).name == info.name);
    CHECK(names.insert(info.name).second);
    CHECK(((info.exit_code >= 1 && info.exit_code <= 5) || info.exit_code == 130));
    CHECK(info.meaning.size() > 60);
    CHECK(info.meaning.ends_with('.'));
    CHECK(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
  }
  CHECK(names.size() == 32);
}

TEST_CASE("the exit code tells what kind of failure it was", "[base][error]") {
  CHECK(error_code_info(ErrorCode::internal).exit_code == 1);
  CHECK(error_code_info(ErrorCode::unsupported).exit_code == 1);
  CHECK(error_code_info(ErrorCode::usage).exit_code == 2);
  CHECK(error_code_info(ErrorCode::conflict).exit_code == 2);
  CHECK(error_code_info(ErrorCode::untrusted).exit_code == 3);
  CHECK(error_code_info(ErrorCode::foreign).exit_code == 3);
  CHECK(error_code_info(ErrorCode::volume_missing).exit_code == 4);
  CHECK(error_code_info(ErrorCode::busy).exit_code == 4);
  CHECK(error_code_info(ErrorCode::rollback).exit_code == 5);
  CHECK(error_code_info(ErrorCode::clock).exit_code == 5);
  CHECK(error_code_info(ErrorCode::interrupted).exit_code == 130);
}

TEST_CASE("an error code is found by its name", "[base][error]") {
  REQUIRE(find_error_code("volume-missing"));
  CHECK(find_error_code("volume-missing")->code == ErrorCode::volume_missing);
  CHECK_FALSE(find_error_code("volume_missing"));
  CHECK_FALSE(find_error_code(""));
}

TEST_CASE("an error carries its context from the inside out, a hint and a position", "[base][error]") {
  const auto error = airlock::test::error_of([] {
    with_context([] { return "pushing npm package 'left-pad'"; },
                 [] {
                   with_context(
                       [] { return std::string("sending PUT"); },
                       [] { throw Error(ErrorCode::auth, "403 Forbidden").with_hint("give the token rights"); });
                 });
    return 0;
  });
  CHECK(error.code() == ErrorCode::auth);
  CHECK(error.message() == "403 Forbidden");
  CHECK(error.hint() == "give the token rights");
  CHECK(error.context() == std::vector<std::string>{"sending PUT", "pushing npm package 'left-pad'"});
  CHECK_FALSE(error.position());
}

TEST_CASE("with_context gives back what the function gives", "[base][error]") {
  int value = 1;
  int& same = with_context([] { return "unused"; }, [&]() -> int& { return value; });
  same = 2;
  CHECK(value == 2);
}

TEST_CASE("a position leaves out what is unknown", "[base][error]") {
  CHECK(SourcePosition{"a.yaml", 3, 7}.to_string() == "a.yaml:3:7");
  CHECK(SourcePosition{"a.yaml", 3, 0}.to_string() == "a.yaml:3");
  CHECK(SourcePosition{"a.yaml", 0, 7}.to_string() == "a.yaml");
  CHECK(SourcePosition{"", 3, 7}.to_string() == "3:7");
  CHECK(SourcePosition{}.to_string().empty());
}

TEST_CASE("a full disk and a full quota are no_space, any other system error is io", "[base][error]") {
  CHECK(system_error(ENOSPC, "x").code() == ErrorCode::no_space);
  CHECK(system_error(EDQUOT, "x").code() == ErrorCode::no_space);
  CHECK(system_error(EIO, "x").code() == ErrorCode::io);
  CHECK(system_error(ENOENT, "cannot open 'x'").message() == "cannot open 'x': No such file or directory");
}
