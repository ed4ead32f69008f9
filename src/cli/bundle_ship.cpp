// `bundle ship`: an approved state again, for other sites.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/key_access.hpp"
#include "cli/make_output.hpp"
#include "cli/session.hpp"
#include "workflow/ship.hpp"
#include "workflow/volume_size.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

struct ShipFlags {
  std::string bundle, output, volume_size;
  std::vector<std::string> bases, volumes;
  bool metadata = false, include_withheld = false, restart = false, readback = false, no_readback = false;
  PassphraseFlags passphrase;
};

workflow::ShipOptions ship_options(const ShipFlags& flags) {
  if (flags.metadata && (!flags.bases.empty() || !flags.volume_size.empty())) {
    throw Error(ErrorCode::usage, "--metadata sends no bytes, so there is nothing for --base and --volume-size to do");
  }
  if (flags.readback && flags.no_readback) {
    throw Error(ErrorCode::usage, "--readback and --no-readback exclude each other");
  }
  workflow::ShipOptions options;
  options.bundle = flags.bundle;
  options.volumes = {flags.volumes.begin(), flags.volumes.end()};
  options.bases = {flags.bases.begin(), flags.bases.end()};
  options.content = flags.metadata ? workflow::ShipContent::statements : workflow::ShipContent::blobs;
  options.withheld = flags.include_withheld ? workflow::Withheld::send_again : workflow::Withheld::leave_out;
  if (!flags.volume_size.empty()) {
    options.volume_size = workflow::parse_volume_size(flags.volume_size);
  }
  options.output = flags.output;
  options.restart = flags.restart;
  options.readback = flags.readback      ? workflow::Readback::always
                     : flags.no_readback ? workflow::Readback::never
                                         : workflow::Readback::removable_only;
  return options;
}

Json paths_json(const std::vector<std::filesystem::path>& paths) {
  Json list = Json::array();
  for (const auto& path : paths) {
    list.push_back(path.string());
  }
  return list;
}

Json ship_json(const workflow::ShipReport& report) {
  return {{"channel", report.channel},
          {"serial", report.serial},
          {"shipment", report.shipment},
          {"bundle", report.bundle.string()},
          {"volumes", paths_json(report.volumes)},
          {"files", paths_json(report.others)},
          {"bundle_id", report.bundle_id},
          {"kind", bundle::to_string(report.kind)},
          {"sealed", true},
          {"approvals", report.approvals},
          {"continued", report.continued},
          {"blobs", report.blobs},
          {"blobs_included", report.blobs_included},
          {"blobs_omitted", report.blobs_omitted},
          {"blobs_revoked", report.blobs_revoked},
          {"bytes", report.bytes},
          {"bytes_reused", report.bytes_copied},
          {"bytes_fetched", 0},
          {"bytes_written", report.bytes_written},
          {"new_timestamp", report.new_timestamp},
          {"timestamp_expires", base::to_rfc3339(report.timestamp_expires)},
          {"read_back", report.read_back}};
}

std::string ship_text(const workflow::ShipReport& report) {
  std::string text = fmt::format("{}\n", report.bundle.string());
  if (!report.volumes.empty()) {
    text += fmt::format("  and {} beside it\n", base::counted(report.volumes.size(), "volume"));
  }
  text += fmt::format("  bundle    '{}' {}, sending {}, {}, {}\n", report.channel, report.serial, report.shipment,
                      report.kind == bundle::Shipment::Kind::metadata ? "statements only" : to_string(report.kind),
                      base::format_bytes(report.bytes));
  text += fmt::format("  holds     {} of {} blobs ({}){}\n", report.blobs_included, report.blobs,
                      base::format_bytes(report.bytes_copied),
                      report.blobs_revoked > 0 ? fmt::format("; {} are revoked", report.blobs_revoked) : "");
  text +=
      fmt::format("  approved  as before, by {} {}\n", report.approvals, report.approvals == 1 ? "person" : "people");
  text += fmt::format("  fresh     until {}{}\n", base::to_rfc3339(report.timestamp_expires).substr(0, 10),
                      report.new_timestamp ? ", by a new timestamp" : "");
  if (report.read_back) {
    text += report.removable ? "  read back and equal; the medium may be removed\n" : "  read back and equal\n";
  } else if (report.removable) {
    text += "  not read back; everything is on the medium, which may be removed\n";
  }
  return text + fmt::format("next: carry {} over and run `airlock import` on it there\n",
                            report.volumes.empty() && report.others.empty() ? report.bundle.string()
                                                                            : report.bundle.parent_path().string());
}

}  // namespace

void add_bundle_ship_commands(CLI::App& bundle, Session& session) {
  auto* command = bundle.add_subcommand("ship", "Send an approved state again, with the bytes that other sites lack");
  auto flags = std::make_shared<ShipFlags>();
  command->add_option("BUNDLE", flags->bundle, "A sealed bundle, its head, any volume of it, or a folder")->required();
  command
      ->add_option("--base", flags->bases,
                   "What a site has: its receipt, need list, or a bundle. May be repeated: "
                   "one set then serves all")
      ->type_name("FILE");
  command->add_flag("--metadata", flags->metadata, "Statements only: a fresh timestamp and the newest root, no bytes");
  command->add_option("-o,--output", flags->output, "DIR/ for the whole set to carry, FILE for one bundle")
      ->type_name("PATH");
  command->add_option("--volume-size", flags->volume_size, "Cut into volumes: 4GiB, 4000M, fat32, cd, dvd, bd25")
      ->type_name("N");
  command
      ->add_option("--volumes", flags->volumes,
                   "Further folder with volumes of BUNDLE, or with approvals of it or of a --base; may be repeated")
      ->type_name("DIR");
  command->add_flag("--include-withheld", flags->include_withheld, "Send what a site withholds by its receipt, too");
  command->add_flag("--restart", flags->restart, "Drop what an interrupted run left");
  command->add_flag("--readback", flags->readback, "Read everything back and compare, on any medium");
  command->add_flag("--no-readback", flags->no_readback, "Not even on a removable one");
  add_passphrase_flags(*command, flags->passphrase);
  command->footer(
      "Examples:\n"
      "  airlock bundle ship site-a-7.airlock -o /media/stick/\n"
      "  airlock bundle ship site-a-7.airlock --base need-site-a-7.json -o /media/stick/\n"
      "  airlock bundle ship site-a-7.airlock --base north.json --base south.json --volume-size dvd -o out/\n"
      "  airlock bundle ship site-a-7.airlock --metadata -o out/");
  command->callback([&session, flags] {
    const auto options = ship_options(*flags);
    const auto keys = open_keys(session, flags->passphrase);
    const auto report = workflow::ship_bundle(session.home, options, *keys, *session.clock, *session.reporter);
    session.answer(ship_json(report), ship_text(report));
  });
}

}  // namespace airlock::cli
