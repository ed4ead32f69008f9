#include "cli/store_withheld.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/session.hpp"
#include "store/state_db.hpp"
#include "workflow/withheld.hpp"

namespace airlock::cli {

namespace {

base::Json withheld_json(const workflow::WithheldFile& file) {
  return {{"digest", file.blob.sha256.to_string()},
          {"channel", file.blob.channel.channel},
          {"producer", file.blob.channel.producer},
          {"since", file.blob.since ? base::Json(base::to_rfc3339(*file.blob.since)) : base::Json()},
          {"ecosystem", file.ecosystem},
          {"path", file.path},
          {"artifact", file.artifact},
          {"reason", file.reason},
          {"ticket", file.ticket},
          {"user", file.user}};
}

std::string withheld_text(const workflow::WithheldFile& file) {
  std::string text =
      fmt::format("{}\n  of channel '{}'{}{}{}\n", file.blob.sha256.to_string(), file.blob.channel.channel,
                  file.blob.since ? ", since " + base::to_rfc3339(*file.blob.since) : "",
                  file.user.empty() ? "" : ", by " + base::printable(file.user, 100),
                  file.ticket.empty() ? "" : ", ticket " + base::printable(file.ticket, 100));
  if (!file.path.empty()) {
    text += fmt::format("  {}:{}{}\n", file.ecosystem, base::printable(file.path, 200),
                        file.artifact.empty() ? "" : fmt::format(" of {}", base::printable(file.artifact, 200)));
  }
  if (!file.reason.empty()) {
    text += fmt::format("  reason: {}\n", base::printable(file.reason, 200));
  }
  return text;
}

}  // namespace

void show_withheld(Session& session) {
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  base::Json list = base::Json::array();
  std::string text;
  for (const auto& file : workflow::list_withheld(state)) {
    list.push_back(withheld_json(file));
    text += withheld_text(file);
  }
  session.answer({{"withheld", std::move(list)}},
                 text.empty() ? "nothing is withheld here\n"
                              : text + "`airlock import BUNDLE --release DIGEST --reason TEXT` takes one again\n");
}

}  // namespace airlock::cli
