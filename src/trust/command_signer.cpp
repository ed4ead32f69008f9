#include "trust/command_signer.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "trust/detached_signature.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_command_output_limit = 64 * 1024;  // bytes of stdout and of stderr
constexpr std::size_t k_shown_errors = 400;                // bytes

struct Content {
  std::string type;
  std::string version;
};

// What is to be signed, as far as it says so itself. Canonical JSON holds line breaks of PEM keys as they are, which
// JSON does not allow.
Content content_of(std::string_view message) {
  constexpr std::string_view envelope = "DSSEv1 ";
  if (message.starts_with(envelope)) {
    const auto parts = base::split(message.substr(0, std::min<std::size_t>(message.size(), 300)), ' ');
    return {.type = parts.size() > 2 ? base::printable(parts[2]) : "", .version = {}};
  }
  std::string json;
  json.reserve(message.size());
  for (const char c : message) {
    if (c == '\n') {
      json += "\\n";
    } else {
      json += c;
    }
  }
  try {
    const base::Json value = base::parse_json(json, "the content", {.bytes = k_metadata_ceiling});
    return {.type = base::string_member(value, "_type", "the content"),
            .version = std::to_string(base::uint_member(value, "version", "the content"))};
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

CommandSigner::CommandSigner(PublicKey key, std::string role, SignerCommand command,
                             std::function<void(std::string_view)> show)
    : m_key(std::move(key)), m_role(std::move(role)), m_command(std::move(command)), m_show(std::move(show)) {
  if (m_command.argv.empty() || m_command.argv.front().empty()) {
    throw Error(ErrorCode::usage, "the command of a key is empty");
  }
}

std::string CommandSigner::sign(std::string_view message) const {
  const Content content = content_of(message);
  base::ProcessOptions options;
  options.argv = m_command.argv;
  options.input = std::string(message);
  options.environment = {{"AIRLOCK_SIGN_ROLE", m_role},
                         {"AIRLOCK_SIGN_KEYID", m_key.keyid()},
                         {"AIRLOCK_SIGN_SCHEME", std::string(to_string(m_key.scheme()))},
                         {"AIRLOCK_SIGN_TYPE", content.type},
                         {"AIRLOCK_SIGN_VERSION", content.version},
                         {"AIRLOCK_SIGN_SHA256", base::sha256(message).hex()}};
  options.timeout = m_command.timeout;
  options.output_limit = k_command_output_limit;
  options.group = base::ProcessGroup::ours;
  options.on_errors = m_show;
  return base::with_context(
      [&] { return "signing as " + m_role + " with the command " + base::printable(m_command.argv.front()); },
      [&] {
        const base::ProcessResult result = base::run_process(options);
        if (result.exit_code != 0) {
          const auto lines = base::split(base::trim(result.errors), '\n');
          const std::string said = base::printable(base::join(lines, "; "), k_shown_errors);
          throw Error(ErrorCode::io, "it ended with " + std::to_string(result.exit_code) +
                                         (said.empty() ? ", and said nothing" : ": " + said))
              .with_hint("run the command by hand with the bytes on its stdin, until it writes a raw signature");
        }
        auto signature = as_signature(m_key, message, result.output);
        if (!signature) {
          throw Error(ErrorCode::untrusted, "the " + std::to_string(result.output.size()) +
                                                " bytes that it wrote are no signature by key " +
                                                m_key.keyid().substr(0, 12))
              .with_hint("its stdout must be the signature and nothing else: " +
                         std::string(signature_form(m_key.scheme())));
        }
        return std::move(*signature);
      });
}

}  // namespace airlock::trust
