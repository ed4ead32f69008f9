// How errors, progress and tables look.
#include <cstdio>
#include <memory>

#include "base/error.hpp"
#include "cli/error_output.hpp"
#include "cli/progress_line.hpp"
#include "cli/table.hpp"
#include "cli/terminal_reporter.hpp"
#include "support/catch.hpp"

using namespace airlock;
using base::Error;
using base::ErrorCode;

TEST_CASE("an error says what failed, on the way to what, why, and what to do") {
  auto error = Error(ErrorCode::auth, "the server answered 403 Forbidden").with_hint("check the token");
  error.with_context("sending PUT https://registry.site.example/left-pad");
  error.with_context("pushing npm package 'left-pad' 1.3.0");
  error.with_context("import of bundle 'site-2026-07' stopped after 41 of 312 artifacts");
  CHECK(cli::error_text(error, cli::Color::off) ==
        "error: import of bundle 'site-2026-07' stopped after 41 of 312 artifacts\n"
        "  while pushing npm package 'left-pad' 1.3.0\n"
        "  while sending PUT https://registry.site.example/left-pad\n"
        "  cause: the server answered 403 Forbidden\n"
        "  hint: check the token\n");
  const auto json = cli::error_json(error);
  CHECK(json["format"] == 1);
  CHECK(json["error"]["code"] == "auth");
  CHECK(json["error"]["context"].size() == 3);
  CHECK(json["error"]["context"][2] == "sending PUT https://registry.site.example/left-pad");
  CHECK_FALSE(json["error"].contains("position"));
}

TEST_CASE("an error without context, and one with a place") {
  CHECK(cli::error_text(Error(ErrorCode::usage, "no"), cli::Color::off) == "error: no\n");
  const auto placed = Error(ErrorCode::manifest, "unknown key").at({.file = "a.yaml", .line = 3, .column = 5});
  CHECK(cli::error_text(placed, cli::Color::off) == "error: unknown key\n  at: a.yaml:3:5\n");
  CHECK(cli::error_json(placed)["error"]["position"]["line"] == 3);
  auto reading = Error(ErrorCode::io, "denied");
  reading.with_context("while reading the root x");
  CHECK(cli::error_text(reading, cli::Color::off) == "error: reading the root x failed\n  cause: denied\n");
}

TEST_CASE("what comes from outside cannot move the cursor") {
  const auto text = cli::error_text(Error(ErrorCode::io, "\x1b[2J\xff name"), cli::Color::off);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\xff') == std::string::npos);
}

TEST_CASE("progress lines") {
  const cli::ProgressState state{
      .label = "importing", .done = 512u << 20, .total = 1024u << 20, .seconds = 5, .rate = 100.0 * (1u << 20)};
  CHECK(cli::plain_line(state) == "importing: 50 %, 512 MiB of 1 GiB, 100 MiB/s, 6 s left");
  const auto bar = cli::bar_line(state, 100);
  CHECK(bar.size() <= 100);
  CHECK(bar.find("#####") != std::string::npos);
  CHECK(cli::bar_line(state, 30).size() <= 30);
  CHECK(cli::plain_line({.label = "x", .done = 3, .unit = base::ProgressUnit::items}) == "x: 3");
  CHECK(cli::format_seconds(59.2) == "1 min 0 s");
  CHECK(cli::format_seconds(7300) == "2 h 1 min");
  CHECK(cli::format_seconds(1e300) == "long");
}

TEST_CASE("a reporter says what was asked for") {
  using Progress = cli::ReporterOptions::Progress;
  const auto told = [](cli::ReporterOptions options) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    options.stream = file.get();
    {
      const auto reporter = cli::make_terminal_reporter(options);
      const auto task = reporter->task("work", 10);
      task->advance(5);
      reporter->note("a note");
      reporter->say("said");
      reporter->warning("careful");
      task->advance(5);
    }
    std::rewind(file.get());
    std::string text(10'000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    return text;
  };
  CHECK(told({.progress = Progress::none}) == "said\nwarning: careful\n");
  CHECK(told({.progress = Progress::lines, .quiet = true}) == "warning: careful\n");
  CHECK(told({.progress = Progress::none, .verbose = true}) == "a note\nsaid\nwarning: careful\n");
  CHECK(told({.progress = Progress::bars, .width = 60}).find("work") != std::string::npos);
  CHECK(told({.progress = Progress::none, .color = true}).find("\x1b[") != std::string::npos);
}

TEST_CASE("no name from outside moves the cursor") {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  {
    const auto reporter = cli::make_terminal_reporter(
        {.stream = file.get(), .progress = cli::ReporterOptions::Progress::none, .verbose = true});
    for (const std::string name : {"evil\x1b]0;title\x07\x1b[2J.airlock", "a\rb",
                                   "a\xc2\x9b"
                                   "2Jb"}) {
      reporter->note(name);
      reporter->say(name);
      reporter->warning(name + "\nand a second line");
    }
  }
  std::rewind(file.get());
  std::string text(10'000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  CHECK(text.find_first_of("\x1b\x07\r") == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
  CHECK(text.find("\nand a second line\n") != std::string::npos);
}

TEST_CASE("tables") {
  cli::Table table({"name", "size"});
  CHECK(table.text().empty());
  table.add({"long name", "1"});
  table.add({"ü", "2"});
  CHECK(table.text() == "name       size\nlong name  1\nü          2\n");
}
