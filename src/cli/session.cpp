#include "cli/session.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>

#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_passphrase_limit = 4096;  // bytes
constexpr std::size_t k_answer_limit = 4096;      // bytes

void print(std::FILE* stream, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stream) != text.size() || std::fflush(stream) != 0) {
    const int error = errno;
    if (error == EPIPE) {
      return;  // whoever read the results wants no more of them
    }
    throw base::system_error(error, "cannot write the results to stdout");
  }
}

// One line from the terminal, without its end. Reads the descriptor itself, so that nothing is left in a buffer.
std::string read_line() {
  std::string line;
  char character = 0;
  while (true) {
    const auto count = ::read(STDIN_FILENO, &character, 1);
    base::throw_if_interrupted();
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0 || character == '\n') {
      return line;
    }
    if (line.size() < k_answer_limit) {
      line.push_back(character);
    }
  }
}

class EchoOff {
 public:
  EchoOff() {
    m_changed = tcgetattr(STDIN_FILENO, &m_before) == 0;
    if (m_changed) {
      termios silent = m_before;
      silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() {
    if (m_changed) {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &m_before);
    }
  }

 private:
  termios m_before = {};
  bool m_changed = false;
};

[[noreturn]] void cannot_ask(std::string_view question, std::string_view flag_instead) {
  throw Error(ErrorCode::usage, fmt::format("an answer is needed and there is no terminal to ask on: {}", question))
      .with_hint(fmt::format("give {}", flag_instead));
}

// The first line; what a person typed into a file ends with a line break that is no part of it.
base::Secret first_line(std::string text) {
  const auto end = text.find_first_of("\r\n");
  base::Secret secret(text.substr(0, end));
  text.assign(text.size(), '\0');
  return secret;
}

std::string read_descriptor(int descriptor) {
  std::string text;
  std::array<char, 512> buffer{};
  while (text.size() < k_passphrase_limit) {
    const auto count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw base::system_error(errno, fmt::format("cannot read the passphrase from descriptor {}", descriptor));
    }
    if (count == 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  buffer.fill('\0');
  return text;
}

}  // namespace

bool Session::asks_before_signing() const {
  if (!terminal && ::isatty(STDIN_FILENO) == 1) {
    throw Error(ErrorCode::usage, "the question whether to sign could not be seen, so nothing was signed")
        .with_hint("leave stderr on the terminal, or give --yes once you have read what would be signed");
  }
  return terminal;
}

void Session::answer(base::Json answer_json, const std::string& text) {
  answered = true;
  if (json) {
    if (!answer_json.is_object()) {
      answer_json = base::Json::object();
    }
    answer_json["format"] = 1;
    // Names from outside may hold any bytes; the output stays valid JSON.
    print(out, answer_json.dump(lines ? -1 : 2, ' ', false, base::Json::error_handler_t::replace) + "\n");
    return;
  }
  if (!text.empty()) {
    print(out, text.back() == '\n' ? text : text + "\n");
  }
}

std::string Session::ask(std::string_view question, std::string_view flag_instead) {
  if (!terminal) {
    cannot_ask(question, flag_instead);
  }
  std::fprintf(err, "%s ", std::string(question).c_str());
  std::fflush(err);
  return std::string(base::trim(read_line()));
}

base::Secret Session::ask_secret(std::string_view question, std::string_view flag_instead) {
  if (!terminal) {
    cannot_ask(question, flag_instead);
  }
  std::fprintf(err, "%s ", std::string(question).c_str());
  std::fflush(err);
  std::string line;
  {
    const EchoOff silent;
    line = read_line();
  }
  std::fputc('\n', err);
  base::Secret secret(line);
  line.assign(line.size(), '\0');
  return secret;
}

std::optional<base::Secret> PassphraseFlags::read(Session& session, bool encrypted) const {
  protect_secrets();
  if (!encrypted) {
    return std::nullopt;
  }
  if (!file.empty()) {
    return first_line(base::read_file(file, k_passphrase_limit));
  }
  if (descriptor >= 0) {
    return first_line(read_descriptor(descriptor));
  }
  // systemd.exec(5), Credentials: LoadCredential= places a file below this directory.
  if (const char* directory = std::getenv("CREDENTIALS_DIRECTORY"); directory != nullptr && *directory == '/') {
    const auto path = std::filesystem::path(directory) / "airlock-passphrase";
    if (auto text = base::read_file_if_exists(path, k_passphrase_limit)) {
      return first_line(std::move(*text));
    }
  }
  return session.ask_secret("Passphrase of the signing keys:", "--passphrase-file F or --passphrase-fd N");
}

void add_passphrase_flags(CLI::App& command, PassphraseFlags& flags) {
  command.add_option("--passphrase-file", flags.file, "File whose first line opens the private keys")
      ->type_name("FILE")
      ->group("Keys");
  command.add_option("--passphrase-fd", flags.descriptor, "Open descriptor from which that line is read")
      ->type_name("N")
      ->group("Keys");
}

std::optional<base::Time> parse_since(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  // A day alone is what people type.
  try {
    return base::parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, error.message()).with_hint("a day (2026-07-01), or a moment (2026-07-01T12:00:00Z)");
  }
}

void add_remark_flags(CLI::App& command, RemarkFlags& flags) {
  command.add_option("--reason", flags.reason, "Why; kept in the audit log")->type_name("TEXT");
  command.add_option("--ticket", flags.ticket, "Of your own records; kept in the audit log")->type_name("ID");
}

std::function<void(std::string_view)> show_on(Session& session) {
  return [&session](std::string_view text) {
    for (const auto& line : base::split(base::trim(text), '\n')) {
      session.reporter->say(base::printable(line));
    }
  };
}

void protect_secrets() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace airlock::cli
