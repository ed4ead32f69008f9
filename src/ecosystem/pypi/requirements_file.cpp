#include "ecosystem/pypi/requirements_file.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_requirements_limit = std::size_t{16} << 20;  // bytes
constexpr std::size_t k_most_includes = 200;
constexpr std::size_t k_most_lines = 100'000;

Error mistake(const std::string& file, int line, std::string message) {
  return Error(ErrorCode::manifest, std::move(message)).at({.file = file, .line = line, .column = 0});
}

// "-r FILE", "-rFILE", "--requirement FILE", "--requirement=FILE"
std::optional<std::string> option_value(std::string_view line, std::string_view short_name,
                                        std::string_view long_name) {
  std::string_view rest;
  if (line.starts_with(long_name)) {
    rest = line.substr(long_name.size());
    if (!rest.empty() && rest.front() != '=' && rest.front() != ' ' && rest.front() != '\t') {
      return std::nullopt;
    }
    rest = rest.starts_with('=') ? rest.substr(1) : rest;
  } else if (!short_name.empty() && line.starts_with(short_name) && !line.starts_with("--")) {
    rest = line.substr(short_name.size());
  } else {
    return std::nullopt;
  }
  return std::string(base::trim(rest));
}

bool is_path(std::string_view text) {
  return text.starts_with('.') || text.starts_with('/') || text.starts_with("file:") || text.starts_with("~");
}

// Cuts "--hash=…" and other options of one requirement from its end.
void take_options(RequirementLine& line, const std::string& file) {
  const std::size_t start = std::min(line.text.find(" --"), line.text.find("\t--"));
  if (start == std::string::npos) {
    return;
  }
  std::string options = line.text.substr(start);
  line.text = base::trim(line.text.substr(0, start));
  std::replace_if(
      options.begin(), options.end(), [](char c) { return c == '=' || c == '\t'; }, ' ');
  std::vector<std::string> words;
  for (std::string& word : base::split(options, ' ')) {
    if (!word.empty()) {
      words.push_back(std::move(word));
    }
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "--hash") {
      continue;
    }
    if (i + 1 == words.size()) {
      throw mistake(file, line.line, "a --hash has no value");
    }
    const std::string hash = base::to_lower(words[++i]);
    try {
      static_cast<void>(base::Digest::parse(hash));
    } catch (const Error&) {
      throw mistake(file, line.line, fmt::format("'{}' is no hash that pip takes", base::printable(hash, 160)));
    }
    line.hashes.insert(hash);
  }
}

RequirementLine classify(std::string text, int number, const std::string& file) {
  RequirementLine line{
      .kind = RequirementLine::Kind::requirement, .text = std::move(text), .hashes = {}, .line = number};
  const auto becomes = [&](RequirementLine::Kind kind, std::string value) {
    line.kind = kind;
    line.text = std::move(value);
    if (line.text.empty()) {
      throw mistake(file, number, "the option has no value");
    }
  };
  if (const auto value = option_value(line.text, "-r", "--requirement")) {
    becomes(RequirementLine::Kind::include, *value);
  } else if (const auto other = option_value(line.text, "-c", "--constraint")) {
    becomes(RequirementLine::Kind::constraint, *other);
  } else if (const auto local = option_value(line.text, "-e", "--editable")) {
    becomes(RequirementLine::Kind::local, *local);
  } else if (line.text.starts_with('-')) {
    line.kind = RequirementLine::Kind::option;
  } else if (is_path(line.text)) {
    line.kind = RequirementLine::Kind::local;
  } else {
    take_options(line, file);
  }
  const bool is_local = line.kind == RequirementLine::Kind::local;
  if (is_local || line.kind == RequirementLine::Kind::requirement) {
    const std::size_t scheme = line.text.find("://");
    const std::size_t semicolon = line.text.find(';');
    if (scheme != std::string::npos && scheme < semicolon) {
      throw mistake(file, number,
                    fmt::format("'{}' comes from an address, not from a package index",
                                base::printable(line.text.substr(0, line.text.find_first_of(" @:")), 80)))
          .with_hint("publish it on an index, or carry the file under `files:` and install it from there");
    }
  }
  return line;
}

class FileReading {
 public:
  explicit FileReading(RequirementsFile& found) : m_found(found) {}

  void read(const fs::path& path, bool constraints) {
    if (!m_seen.insert({path.lexically_normal().string(), constraints}).second) {
      return;
    }
    if (m_seen.size() > k_most_includes) {
      throw Error(ErrorCode::limit, fmt::format("{} includes too many files", path.string()));
    }
    const std::string file = path.string();
    for (const RequirementLine& line : parse_requirement_lines(base::read_file(path, k_requirements_limit), file)) {
      take(line, path, constraints);
    }
  }

 private:
  void take(const RequirementLine& line, const fs::path& path, bool constraints) {
    const std::string file = path.string();
    switch (line.kind) {
    case RequirementLine::Kind::include:
    case RequirementLine::Kind::constraint:
      if (line.text.find("://") != std::string::npos) {
        throw mistake(file, line.line, "a requirements file at an address is not followed")
            .with_hint("fetch it beside this one, and name it by its path");
      }
      try {
        read(path.parent_path() / line.text, constraints || line.kind == RequirementLine::Kind::constraint);
      } catch (const Error& error) {
        throw error.position() ? error : Error(error).at({.file = file, .line = line.line, .column = 0});
      }
      break;
    case RequirementLine::Kind::local: {
      // Its own code is not carried; what it needs is.
      std::string folder = line.text.substr(0, line.text.find_first_of("[ ;"));
      m_found.local_projects.push_back((path.parent_path() / folder).lexically_normal());
      break;
    }
    case RequirementLine::Kind::option:
      take_option(line, file);
      break;
    case RequirementLine::Kind::requirement:
      WantedRequirement wanted{
          .requirement = {}, .hashes = line.hashes, .position = {.file = file, .line = line.line, .column = 0}};
      try {
        wanted.requirement = Requirement::parse(line.text);
      } catch (const Error& error) {
        throw mistake(file, line.line, error.message());
      }
      if (!wanted.requirement.url.empty()) {
        throw mistake(file, line.line,
                      fmt::format("'{}' comes from an address, not from a package index", wanted.requirement.name))
            .with_hint("publish it on an index, or carry the file under `files:` and install it from there");
      }
      m_found.require_hashes = m_found.require_hashes || (!constraints && !wanted.hashes.empty());
      (constraints ? m_found.constraints : m_found.requirements).push_back(std::move(wanted));
      break;
    }
  }

  void take_option(const RequirementLine& line, const std::string& file) {
    const std::string name = line.text.substr(0, line.text.find_first_of(" =\t"));
    if (name == "--require-hashes") {
      m_found.require_hashes = true;
    } else if (name == "--pre") {
      m_found.prereleases = true;
    } else if (name == "-i" || name == "-f" || name == "--index-url" || name == "--extra-index-url" ||
               name == "--find-links" || name == "--no-index") {
      m_found.warnings.push_back(fmt::format(
          "{}:{}: {} is not followed: packages come from the index that pip uses on this host. On the far side this "
          "line leads pip out of the mirror: take it out",
          file, line.line, name));
    } else if (name != "--trusted-host" && name != "--prefer-binary" && name != "--only-binary") {
      m_found.warnings.push_back(
          fmt::format("{}:{}: the option {} is not followed", file, line.line, base::printable(name, 60)));
    }
  }

  RequirementsFile& m_found;
  std::set<std::pair<std::string, bool>> m_seen;
};

}  // namespace

std::vector<RequirementLine> parse_requirement_lines(std::string_view text, const std::string& file) {
  std::vector<RequirementLine> lines;
  if (text.starts_with("\xef\xbb\xbf")) {
    text.remove_prefix(3);
  }
  std::string joined;
  int number = 0, first = 0;
  const auto flush = [&] {
    // A comment begins at the start or behind white space.
    std::size_t comment = joined.find('#');
    while (comment != std::string::npos && comment > 0 && joined[comment - 1] != ' ' && joined[comment - 1] != '\t') {
      comment = joined.find('#', comment + 1);
    }
    const std::string whole(base::trim(std::string_view(joined).substr(0, comment)));
    joined.clear();
    if (!whole.empty()) {
      if (lines.size() >= k_most_lines) {
        throw Error(ErrorCode::limit, fmt::format("{} has too many lines", file));
      }
      lines.push_back(classify(whole, first, file));
    }
  };
  for (const std::string& raw : base::split(text, '\n')) {
    ++number;
    std::string_view line = raw;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (joined.empty()) {
      first = number;
    }
    // A line that is a comment ends what was continued into it.
    const bool continued = line.ends_with('\\') && !base::trim(line).starts_with('#');
    joined += continued ? line.substr(0, line.size() - 1) : line;
    if (!continued) {
      flush();
    }
  }
  flush();
  return lines;
}

RequirementsFile read_requirements(const fs::path& path) {
  RequirementsFile found;
  FileReading(found).read(path, false);
  return found;
}

}  // namespace airlock::ecosystem::pypi
