#include "workflow/withheld.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/json.hpp"

namespace airlock::workflow {

namespace {

using Wanted = std::map<base::Digest, std::vector<WithheldFile*>>;  // each is of another channel

std::string text_in(const base::Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// The files that a digest in the log means.
std::vector<WithheldFile*> files_named(const base::Json& digest, const Wanted& wanted) {
  try {
    const auto found = wanted.find(base::Digest::parse(digest.is_string() ? digest.get<std::string>() : ""));
    return found == wanted.end() ? std::vector<WithheldFile*>() : found->second;
  } catch (const base::Error&) {
    return {};  // a word of the log that is no digest
  }
}

void take_import(const store::AuditEntry& entry, const base::Json& detail, const Wanted& wanted) {
  const auto decide = [&](const base::Json& digest, const std::string& reason) {
    for (auto* file : files_named(digest, wanted)) {
      const auto& channel = file->blob.channel;
      if (text_in(detail, "channel") == channel.channel && text_in(detail, "producer") == channel.producer) {
        file->reason = reason;
        file->ticket = text_in(detail, "ticket");
        file->user = entry.user;
      }
    }
  };
  if (const auto scan = detail.find("scan"); scan != detail.end() && scan->is_object() && scan->contains("withheld")) {
    for (const auto& refusal : scan->at("withheld")) {
      const auto digest = refusal.is_object() ? refusal.find("digest") : refusal.end();
      if (refusal.is_object() && digest != refusal.end()) {
        decide(*digest, fmt::format("the scanner {} refused it", text_in(*scan, "scanner")));
      }
    }
  }
  if (const auto now = detail.find("withheld_now"); now != detail.end()) {
    for (const auto& digest : *now) {
      decide(digest, text_in(detail, "reason"));
    }
  }
}

// A receipt tells what was withheld and not why.
void take_restore(const store::AuditEntry& entry, const base::Json& detail, const Wanted& wanted) {
  if (const auto again = detail.find("withheld"); again != detail.end()) {
    for (const auto& digest : *again) {
      for (auto* file : files_named(digest, wanted)) {
        if (file->reason.empty()) {
          file->reason = "a receipt named it when this home was restored";
          file->user = entry.user;
        }
      }
    }
  }
}

void find_reasons(const store::StateDb& state, const Wanted& wanted) {
  for (const auto& entry : state.audit_entries()) {  // the newest decision is the one that counts
    const auto detail = base::Json::parse(entry.detail, nullptr, false);
    if (!detail.is_object()) {
      continue;
    }
    if (entry.action == "import" || entry.action == "import-again") {
      take_import(entry, detail, wanted);
    } else if (entry.action == "restore") {
      take_restore(entry, detail, wanted);
    }
  }
}

void find_files(const store::StateDb& state, const Wanted& wanted) {
  std::size_t left = 0;
  for (const auto& [sha256, files] : wanted) {
    left += files.size();
  }
  for (const auto& generation : state.generations()) {  // newest first
    if (left == 0) {
      return;
    }
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      const auto found = row.sha256 ? wanted.find(*row.sha256) : wanted.end();
      if (found == wanted.end()) {
        return;
      }
      for (auto* file : found->second) {
        if (file->path.empty() && file->blob.channel == generation.channel) {
          file->ecosystem = row.ecosystem;
          file->path = row.path;
          file->artifact = row.artifact;
          --left;
        }
      }
    });
  }
}

}  // namespace

std::vector<WithheldFile> list_withheld(const store::StateDb& state) {
  std::vector<WithheldFile> list;
  for (auto& blob : state.withheld()) {
    list.push_back(
        {.blob = std::move(blob), .ecosystem = {}, .path = {}, .artifact = {}, .reason = {}, .ticket = {}, .user = {}});
  }
  Wanted wanted;
  for (auto& file : list) {
    wanted[file.blob.sha256].push_back(&file);
  }
  if (!wanted.empty()) {
    find_reasons(state, wanted);
    find_files(state, wanted);
  }
  return list;
}

}  // namespace airlock::workflow
