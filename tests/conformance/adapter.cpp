// The command line that tuf-conformance drives (docs/development.md): the client core that import uses, over HTTP
// and a folder.
//
//   airlock_tuf_adapter --metadata-dir DIR init ROOT
//   airlock_tuf_adapter --metadata-url URL --metadata-dir DIR refresh
//   airlock_tuf_adapter --metadata-url URL --metadata-dir DIR --target-name PATH... --target-dir DIR
//                       --target-base-url URL download
//
// Exit status 0 when all of it succeeded, else 1.
#include <cstdio>
#include <map>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "folder_state.hpp"
#include "http/client.hpp"

namespace {

using namespace airlock;
using base::Error;
using base::ErrorCode;

struct Arguments {
  std::map<std::string, std::vector<std::string>> options;
  std::string command;
  std::string root_file;

  const std::string& get(const std::string& name) const {
    const auto found = options.find(name);
    if (found == options.end()) {
      throw Error(ErrorCode::usage, name + " is missing");
    }
    return found->second.back();
  }
};

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  std::vector<std::string> words(argv + 1, argv + argc);
  std::size_t i = 0;
  for (; i + 1 < words.size() && words[i].starts_with("--"); i += 2) {
    arguments.options[words[i]].push_back(words[i + 1]);
  }
  if (i >= words.size()) {
    throw Error(ErrorCode::usage, "no command");
  }
  arguments.command = words[i];
  arguments.root_file = i + 1 < words.size() ? words[i + 1] : "";
  return arguments;
}

// nullopt when the server says that there is no such file. The address is taken as it is: the suite's paths
// hold escapes that must not be touched.
std::optional<std::string> get(http::Client& client, const std::string& address, std::size_t limit) {
  http::Request request;
  request.url = base::Url::parse(address);
  request.redirects = http::Redirects::refuse;
  request.body_limit = limit;
  request.retry = false;
  auto response = client.send(request);
  if (response.status == 404) {
    return std::nullopt;
  }
  http::expect_status(response, {200}, "fetching a file of the repository");
  return std::move(response.body);
}

class HttpFetcher : public trust::Fetcher {
 public:
  HttpFetcher(http::Client& client, std::string base_url) : m_client(&client), m_base_url(std::move(base_url)) {}

  std::optional<std::string> fetch(std::string_view name, std::size_t limit) override {
    return get(*m_client, m_base_url + std::string(name), limit);
  }

 private:
  http::Client* m_client;
  std::string m_base_url;
};

trust::ClientOptions foreign_options() {
  trust::ClientOptions options;
  options.persistence = trust::Persistence::incremental;
  options.keyid_check = trust::KeyidCheck::tolerate;
  options.now = base::SystemClock().now();
  return options;
}

// "a/b/<hash>.c" for "a/b/c" (TUF 1.0.34, 5.7.3).
std::string target_address(const std::string& path, const trust::TargetFile& target, bool consistent) {
  std::string prefix;
  if (consistent) {
    const auto sha256 = target.hashes.find("sha256");
    const auto sha512 = target.hashes.find("sha512");
    if (sha256 == target.hashes.end() && sha512 == target.hashes.end()) {
      throw Error(ErrorCode::unsupported, "no known hash for target '" + path + "'");
    }
    prefix = (sha256 != target.hashes.end() ? sha256 : sha512)->second + ".";
  }
  const auto slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return base::percent_encode(path.substr(0, name), "/") + prefix + base::percent_encode(path.substr(name));
}

void download(const Arguments& arguments, http::Client& http, trust::Client& client) {
  constexpr std::uint64_t limit = 256u << 20;  // bytes; the suite's files are tiny
  const std::filesystem::path folder = arguments.get("--target-dir");
  const auto names = arguments.options.find("--target-name");
  if (names == arguments.options.end()) {
    throw Error(ErrorCode::usage, "--target-name is missing");
  }
  for (const auto& path : names->second) {
    const auto target = client.find_target(path);
    if (!target) {
      throw Error(ErrorCode::not_found, "no role lists target '" + path + "'");
    }
    if (target->length > limit) {
      throw Error(ErrorCode::limit, "target '" + path + "' is too long");
    }
    // One file a path, whatever the path looks like.
    const auto file = folder / base::percent_encode(path);
    const auto present = base::read_file_if_exists(file, limit);
    if (present && trust::matches(*target, *present)) {
      continue;
    }
    const auto content = get(http,
                             arguments.get("--target-base-url") +
                                 target_address(path, *target, client.trusted().root.consistent_snapshot),
                             target->length);
    if (!content || !trust::matches(*target, *content)) {
      throw Error(ErrorCode::tampered, "target '" + path + "' is not what was signed");
    }
    base::write_file_atomic(file, *content);
  }
}

void run(const Arguments& arguments) {
  conformance::FolderState state(arguments.get("--metadata-dir"));
  if (arguments.command == "init") {
    state.pin(base::read_file(arguments.root_file, trust::k_root_limit));
    return;
  }
  if (arguments.command != "refresh" && arguments.command != "download") {
    throw Error(ErrorCode::usage, "no command '" + arguments.command + "'");
  }
  http::Client http;
  HttpFetcher fetcher(http, arguments.get("--metadata-url"));
  trust::Client client(state.pinned_root(), fetcher, state, foreign_options());
  client.refresh();
  if (arguments.command == "download") {
    download(arguments, http, client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(read_arguments(argc, argv));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", std::string(base::error_code_info(error.code()).name).c_str(), error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
