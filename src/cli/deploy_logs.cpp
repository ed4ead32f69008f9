// `airlock deploy logs`: what a deployment printed, also while it runs.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "cli/deploy.hpp"
#include "cli/session.hpp"

namespace airlock::cli {

using base::Json;

namespace {

constexpr int k_hold = 20;  // seconds that the server holds an answer while nothing is new

// A log may hold what moves a terminal's cursor: printed as it is to a pipe, made harmless for a person's screen.
// Colour sequences (CSI … m) stay.
std::string for_screen(const std::string& text) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '\x1b' && at + 1 < text.size() && text[at + 1] == '[') {
      const auto end = text.find_first_not_of("0123456789;", at + 2);
      if (end != std::string::npos && text[end] == 'm') {
        result += text.substr(at, end + 1 - at);
        at = end + 1;
        continue;
      }
    }
    if ((static_cast<unsigned char>(c) >= 0x20 && c != '\x7f') || c == '\n' || c == '\t' || c == '\r') {
      result += c;
    }
    ++at;
  }
  return result;
}

void print_entry(Session& session, const Json& entry, bool timestamps) {
  std::string text;
  if (timestamps) {
    text = json_text(entry, "timestamp") + " ";
  }
  if (const auto header = entry.find("header"); header != entry.end() && header->is_string()) {
    text += fmt::format("── {}\n", base::printable(header->get<std::string>(), 300));
  } else if (const auto line = entry.find("line"); line != entry.end() && line->is_string()) {
    text += for_screen(line->get<std::string>());
  }
  std::fwrite(text.data(), 1, text.size(), session.out);
}

}  // namespace

Json show_log(Session& session, ServerAccess& server, const FoundDeployment& deployment, const LogView& view,
              Json& lines) {
  std::string token;
  while (true) {
    base::throw_if_interrupted();
    const int hold = view.follow == Follow::yes ? k_hold : 0;
    const Json page =
        server.get(fmt::format("{}/logs?continuationToken={}&wait={}", deployment.path, path_part(token), hold));
    for (const Json& entry : answered(page, "lines")) {
      if (session.json) {
        lines.push_back(entry);
      } else {
        print_entry(session, entry, view.timestamps);
      }
    }
    std::fflush(session.out);
    const auto next = page.find("nextToken");
    if (next == page.end() || (view.follow == Follow::no && answered(page, "lines").empty())) {
      break;
    }
    token = base::string_member(page, "nextToken", k_server_answer);
  }
  Json after = server.get(deployment.path);
  const auto state = json_text(answered(after, "airlock"), "state");
  if (state == "failed" || state == "lost" || state == "cancelled") {
    session.exit_code = 1;
    const auto reason = json_text(answered(after, "airlock"), "reason");
    session.reporter->say(fmt::format("the deployment {}{}{}", state == "failed" ? "failed" : "was " + state,
                                      reason.empty() ? "" : ": ", reason));
  } else if (state == "succeeded") {
    session.reporter->say("the deployment succeeded");
  }
  const auto refused = answered(answered(after, "airlock"), "refused").size();
  if (refused > 0) {
    session.reporter->warning(
        fmt::format("the job tried {} times to reach what it may not; `airlock deploy show {}` lists it", refused,
                    json_text(after, "id")));
  }
  return after;
}

void add_deploy_logs_command(CLI::App& deploy, Session& session) {
  struct Flags {
    ServerFlags server;
    std::string name;
    bool follow = false, timestamps = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* command = deploy.add_subcommand("logs", "What it printed; with -f as it comes, until it ends");
  add_server_flags(*command, flags->server);
  command->add_option("DEPLOYMENT", flags->name, "Its id, STACK@VERSION, or a stack for its newest")->required();
  command->add_flag("-f,--follow", flags->follow, "Wait for more until the deployment has ended");
  command->add_flag("--timestamps", flags->timestamps, "Before each line, when it was written");
  command->footer("Example:\n  airlock deploy logs shop/production -f\n\nEnds with 1 where the deployment failed, was "
                  "cancelled or lost.");
  command->callback([&session, flags] {
    ServerAccess server(session, flags->server);
    const auto found = find_deployment(server, flags->name, flags->server.organization);
    Json lines = Json::array();
    const LogView view{flags->follow ? Follow::yes : Follow::no, flags->timestamps};
    Json after = show_log(session, server, found, view, lines);
    session.answer({{"deployment", std::move(after)}, {"lines", std::move(lines)}}, "");
  });
}

}  // namespace airlock::cli
