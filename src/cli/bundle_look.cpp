// Looking into bundles: inspect, diff, extract, explain. None of them needs trust or writes to the home.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/inspection.hpp"
#include "cli/replaceable.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/approve.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/extract.hpp"
#include "workflow/named_keys.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_page_beginning = "<!doctype html>";

bundle::Inspection inspect_path(const std::string& path, const Session& session,
                                const std::vector<std::string>& folders = {}) {
  const auto files = workflow::find_bundles({path}, {folders.begin(), folders.end()});
  if (files.heads.size() > 1) {
    std::vector<std::string> names;
    for (const auto& head : files.heads) {
      names.push_back(head.path.string());
    }
    throw Error(ErrorCode::usage, fmt::format("{} holds {} bundles", path, files.heads.size()))
        .with_hint("name one of them: " + base::join(names, ", "));
  }
  const auto opened = workflow::read_approved_head(files.heads.front().path, files);
  for (const auto& finding : opened.findings) {
    session.reporter->note(fmt::format("{} {}", finding.subject, finding.message));
  }
  auto inspection = bundle::inspect(opened.head, session.clock->now(), ecosystem::belongs);
  inspection.names = workflow::known_names(session.home);
  return inspection;
}

struct InspectFlags {
  std::string bundle, against, html;
  std::vector<std::string> folders;
  bool artifacts = false;
};

void inspect(Session& session, const InspectFlags& flags) {
  const auto inspection = inspect_path(flags.bundle, session, flags.folders);
  std::optional<bundle::InspectionDiff> diff;
  if (!flags.against.empty()) {
    diff = bundle::compare(inspect_path(flags.against, session), inspection);
  }
  const auto* changes = diff ? &*diff : nullptr;
  auto json = bundle::render_json(inspection, changes);
  if (!flags.html.empty()) {
    require_replaceable(flags.html, "HTML page", [](const std::filesystem::path& file) {
      return base::to_lower(beginning_of(file, k_page_beginning.size())) == k_page_beginning;
    });
    base::write_file_atomic(flags.html, bundle::render_html(inspection, changes));
    json["html"] = flags.html;
    session.answer(std::move(json), fmt::format("{}: one page that needs nothing else\n", flags.html));
    return;
  }
  session.answer(
      std::move(json),
      bundle::render_text(inspection, changes, flags.artifacts ? bundle::Detail::artifacts : bundle::Detail::summary));
}

void diff(Session& session, const std::string& before, const std::string& after) {
  const auto old_one = inspect_path(before, session);
  const auto new_one = inspect_path(after, session);
  const auto changes = bundle::compare(old_one, new_one);
  auto json = bundle::render_json(new_one, &changes);
  session.answer(std::move(json), bundle::render_text(new_one, &changes, bundle::Detail::summary));
}

void warn_unproven(Session& session, bool proven) {
  if (!proven) {
    session.reporter->warning("no root is here that the bundle was made under, so its signatures were not checked");
  }
}

struct ExtractFlags {
  std::string bundle, what, output;
  std::vector<std::string> volumes;
  bool head = false;
};

// What an approver needs on a machine of his own: no payload.
void extract_head(Session& session, const ExtractFlags& flags) {
  const auto bytes = workflow::write_head_alone(flags.bundle, flags.output);
  session.answer({{"output", flags.output}, {"form", "head"}, {"bytes", bytes}},
                 fmt::format("{}: the head alone, {}\nnext: airlock bundle sign {}, wherever the key is\n",
                             flags.output, base::format_bytes(bytes), flags.output));
}

void extract(Session& session, const ExtractFlags& flags) {
  if (flags.head != flags.what.empty()) {
    throw Error(ErrorCode::usage, "extract takes the name of an image or file, or --head");
  }
  if (flags.head) {
    extract_head(session, flags);
    return;
  }
  using Form = workflow::ExtractReport::Form;
  const auto report = workflow::extract({.bundle = flags.bundle,
                                         .volumes = {flags.volumes.begin(), flags.volumes.end()},
                                         .what = flags.what,
                                         .output = flags.output,
                                         .home = session.home,
                                         .now = session.clock->now()},
                                        *session.reporter);
  warn_unproven(session, report.proven);
  const std::string_view form = report.form == Form::file            ? "file"
                                : report.form == Form::layout_folder ? "oci-layout"
                                                                     : "oci-archive";
  std::string text = fmt::format("{}: {}, {} ({})\n", report.output.string(), form, base::format_bytes(report.bytes),
                                 report.sha256.to_string());
  if (!report.left_out.empty()) {
    text += fmt::format("{} manifests of other platforms are not in the bundle\n", report.left_out.size());
  }
  session.answer({{"output", report.output.string()},
                  {"form", form},
                  {"digest", report.sha256.to_string()},
                  {"blobs", report.blobs},
                  {"bytes", report.bytes},
                  {"proven", report.proven},
                  {"left_out", report.left_out}},
                 text);
}

void explain(Session& session, const std::string& bundle, const std::string& text) {
  const auto digest =
      base::Digest::is_sha256_hex(text) ? base::Digest::parse_sha256_hex(text) : base::Digest::parse(text);
  bool proven = false;
  const auto uses = workflow::explain_digest(bundle, digest, session.home, session.clock->now(), proven);
  warn_unproven(session, proven);
  if (uses.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("{} belongs to nothing in this bundle", digest.to_string()))
        .with_hint("documents about the bundle, such as its SBOM, are blobs too: `airlock bundle inspect` lists them");
  }
  base::Json list = base::Json::array();
  Table table({"ecosystem", "path", "artifact", "kind", "proven by", "size"});
  for (const auto& use : uses) {
    list.push_back({{"ecosystem", use.ecosystem},
                    {"path", use.path},
                    {"artifact", use.artifact},
                    {"kind", use.kind},
                    {"origin", use.origin},
                    {"verified", use.verified},
                    {"length", use.length}});
    table.add({use.ecosystem, base::printable(use.path), base::printable(use.artifact), use.kind, use.verified,
               base::format_bytes(use.length)});
  }
  session.answer({{"digest", digest.to_string()}, {"uses", std::move(list)}, {"proven", proven}}, table.text());
}

}  // namespace

void add_bundle_look_commands(CLI::App& bundle, Session& session) {
  auto* inspect_command = bundle.add_subcommand("inspect", "What is inside, for the person who approves the transfer");
  auto inspect_flags = std::make_shared<InspectFlags>();
  inspect_command->add_option("BUNDLE", inspect_flags->bundle, "A bundle, its head, any volume, or a folder")
      ->required();
  inspect_command->add_option("--against", inspect_flags->against, "Show what changed since this one")
      ->type_name("BUNDLE");
  inspect_command->add_option("--volumes", inspect_flags->folders, "Further folder with approvals; may be repeated")
      ->type_name("DIR");
  inspect_command->add_option("--html", inspect_flags->html, "Write one self-contained page instead")
      ->type_name("FILE");
  inspect_command->add_flag("--artifacts", inspect_flags->artifacts, "List every artifact");
  inspect_command->footer(
      "Example:\n  airlock bundle inspect site-a-7.airlock --against site-a-6.airlock --html report.html\n\n"
      "No trust is needed and none is given: it says what the bundle says.");
  inspect_command->callback([&session, inspect_flags] { inspect(session, *inspect_flags); });

  struct TwoBundles {
    std::string before, after;
  };
  auto* diff_command = bundle.add_subcommand("diff", "What changed from one bundle to another");
  auto two = std::make_shared<TwoBundles>();
  diff_command->add_option("A", two->before, "The earlier one")->required();
  diff_command->add_option("B", two->after, "The later one")->required();
  diff_command->footer("Example:\n  airlock bundle diff site-a-6.airlock site-a-7.airlock");
  diff_command->callback([&session, two] { diff(session, two->before, two->after); });

  auto* extract_command = bundle.add_subcommand("extract", "One image or file out of it, every byte checked");
  auto extract_flags = std::make_shared<ExtractFlags>();
  extract_command->add_option("BUNDLE", extract_flags->bundle, "A bundle, its head, any volume, or a folder")
      ->required();
  extract_command->add_option("REF", extract_flags->what, "An image reference, or the path of a file");
  extract_command->add_flag("--head", extract_flags->head, "The head alone, for an approver's machine");
  extract_command
      ->add_option("-o,--output", extract_flags->output,
                   "For an image an OCI layout: a folder, or a tar by its extension; for a file its name")
      ->type_name("OUT")
      ->required();
  extract_command->add_option("--volumes", extract_flags->volumes, "Further folder with volumes; may be repeated")
      ->type_name("DIR");
  extract_command->footer("Examples:\n  airlock bundle extract site-a-7.airlock debian:12 -o debian.tar\n"
                          "  airlock bundle extract site-a-7.airlock --head -o site-a-7.head");
  extract_command->callback([&session, extract_flags] { extract(session, *extract_flags); });

  struct Question {
    std::string bundle, digest;
  };
  auto* explain_command = bundle.add_subcommand("explain", "Which artifact a digest belongs to");
  auto question = std::make_shared<Question>();
  explain_command->add_option("BUNDLE", question->bundle, "A bundle, its head, any volume, or a folder")->required();
  explain_command->add_option("DIGEST", question->digest, "sha256: and 64 hex digits")->required();
  explain_command->footer("Example:\n  airlock bundle explain site-a-7.airlock sha256:9f86d081…");
  explain_command->callback([&session, question] { explain(session, question->bundle, question->digest); });
}

}  // namespace airlock::cli
