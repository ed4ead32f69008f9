// `airlock store who`: who fetched a content, and where it lies.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/home_commands.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "mirror/fetches.hpp"
#include "workflow/whereabouts.hpp"

namespace airlock::cli {

namespace {

constexpr std::size_t k_shown_contents = 50;

std::string generations_text(const workflow::Whereabouts& where) {
  std::vector<std::string> parts;
  for (const auto& generation : where.generations) {
    parts.push_back(fmt::format("{} ('{}' {}{})", generation.id, generation.channel.channel, generation.serial,
                                generation.active ? ", active" : ""));
  }
  return parts.empty() ? "no generation" : "generations " + base::join(parts, ", ");
}

std::string content_text(const workflow::Whereabouts& where, const std::vector<mirror::Fetch>& fetches) {
  std::string text = fmt::format("{}  {}{}\n", where.sha256.to_string(), base::format_bytes(where.length),
                                 where.present ? "" : ", not here");
  for (const auto& artifact : where.artifacts) {
    text += fmt::format("  {}\n", base::printable(artifact));
  }
  for (const auto& path : where.paths) {
    text += fmt::format("  {}\n", base::printable(path));
  }
  text += fmt::format("  in {}\n", generations_text(where));
  if (!where.denied.empty()) {
    text += fmt::format("  {}: {}\n", where.served ? "in part not served" : "not served",
                        base::printable(where.denied, 300));
  } else if (where.served) {
    text += "  served\n";
  }
  Table table({"  client", "times", "first", "last", "path"});
  for (const auto& fetch : fetches) {
    table.add({"  " + base::printable(fetch.client), fmt::format("{}", fetch.count), base::to_rfc3339(fetch.first),
               base::to_rfc3339(fetch.last), base::printable(fetch.path)});
  }
  return text + (table.empty() ? "  nobody fetched it, as far as this server remembers\n" : table.text());
}

void who(Session& session, const std::string& what, const std::string& since_text) {
  const auto since = parse_since(since_text);
  const auto found = workflow::find_content(session.home, what);
  base::Json contents = base::Json::array();
  std::string text;
  std::size_t shown = 0;
  std::uint64_t clients = 0;
  for (const auto& where : found) {
    auto fetches = mirror::read_fetches(session.home.root, where.sha256);
    std::erase_if(fetches, [&](const mirror::Fetch& fetch) { return since && fetch.last < *since; });
    clients += fetches.size();
    base::Json by = base::Json::array();
    for (const auto& fetch : fetches) {
      by.push_back({{"client", fetch.client},
                    {"count", fetch.count},
                    {"first", base::to_rfc3339(fetch.first)},
                    {"last", base::to_rfc3339(fetch.last)},
                    {"path", fetch.path}});
    }
    base::Json generations = base::Json::array();
    for (const auto& generation : where.generations) {
      generations.push_back({{"generation", generation.id},
                             {"channel", generation.channel.channel},
                             {"serial", generation.serial},
                             {"active", generation.active}});
    }
    contents.push_back({{"sha256", where.sha256.hex()},
                        {"length", where.length},
                        {"artifacts", where.artifacts},
                        {"paths", where.paths},
                        {"generations", std::move(generations)},
                        {"present", where.present},
                        {"served", where.served},
                        {"denied", where.denied},
                        {"fetched", std::move(by)}});
    if (shown++ < k_shown_contents) {
      text += content_text(where, fetches);
    }
  }
  if (found.size() > k_shown_contents) {
    text += fmt::format("and {} more contents; --json lists all\n", found.size() - k_shown_contents);
  }
  const std::string as_of = base::to_rfc3339(session.clock->now());
  text +=
      fmt::format("as of {}; what a running server answered in the last seconds may not be written down yet\n", as_of);
  session.answer({{"contents", std::move(contents)}, {"clients", clients}, {"as_of", as_of}}, text);
}

}  // namespace

void add_who_command(CLI::App& store, Session& session) {
  auto* command = store.add_subcommand("who", "Who fetched this content, and which generations have it");
  struct Flags {
    std::string what, since;
  };
  auto flags = std::make_shared<Flags>();
  command->add_option("DIGEST|NAME", flags->what, "A digest, path, purl, or a name with or without its version")
      ->required();
  command->add_option("--since", flags->since, "Only who fetched it since: 2026-07-01 or 2026-07-01T12:00:00Z")
      ->type_name("T");
  command->footer(
      "Examples:\n  airlock store who left-pad@1.3.0\n  airlock store who sha256:9f86… --since 2026-07-01\n\n"
      "The server remembers addresses for as long as the setting record_fetches says.");
  command->callback([&session, flags] { who(session, flags->what, flags->since); });
}

}  // namespace airlock::cli
