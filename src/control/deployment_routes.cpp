// Deployments of a stack and of an organization (docs/formats/deployments-api.md).
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "control/api.hpp"
#include "control/api_json.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;
using http::ServerRequest;
using http::ServerResponse;

namespace {

constexpr std::uint64_t k_hold_log = 10;      // seconds, where the client does not say
constexpr std::uint64_t k_longest_hold = 20;  // seconds
constexpr std::uint64_t k_most_pages = 1'000'000;
constexpr std::size_t k_proven_sources = 4096;  // that are remembered as read

std::optional<DeploymentState> state_filter(const ServerRequest& request) {
  const auto wanted = request.query_value("status");
  if (!wanted || wanted->empty()) {
    return std::nullopt;
  }
  for (const auto state :
       {DeploymentState::queued, DeploymentState::offered, DeploymentState::running, DeploymentState::succeeded,
        DeploymentState::failed, DeploymentState::cancelled, DeploymentState::lost}) {
    if (*wanted == to_string(state) || *wanted == api_status(state)) {
      return state;
    }
  }
  throw Error(ErrorCode::malformed, fmt::format("there is no status '{}'", base::printable(*wanted, 40)));
}

Json listed(Deployments& deployments, DeploymentFilter filter, const ServerRequest& request) {
  const std::uint64_t size = query_number(request, "pageSize", 10, 1, 100);
  filter.count = size;
  filter.offset = (query_number(request, "page", 1, 1, k_most_pages) - 1) * size;
  filter.state = state_filter(request);
  filter.ascending = request.query_value("asc") == "true";
  std::uint64_t total = 0;
  Json list = Json::array();
  for (const auto& detail : deployments.list(filter, total)) {
    list.push_back(deployment_entry_json(detail));
  }
  return {{"deployments", std::move(list)}, {"itemsPerPage", size}, {"total", total}};
}

Error wrong_body() {
  return Error(ErrorCode::malformed, "the body is not what its digest says");
}

// Whether an uploaded folder is what its name says. What a medium does not give is as lost as what it gives wrongly.
bool holds(const base::FileSlice& slice, const base::Digest& digest) {
  try {
    base::forget_cached(slice.fd->get());
    base::FileSource source(slice.fd->get(), 0, slice.length, "an uploaded folder");
    base::NullSink nowhere;
    base::HashingSink hashing(nowhere);
    base::copy(source, hashing);
    return hashing.finish() == digest;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) {
      throw;
    }
    return false;
  }
}

}  // namespace

void Api::mount_deployment_routes(http::Router& router) {
  const std::string base = "/api/stacks/{org}/{project}/{stack}/deployments";
  user_route(router, "POST", base, [this](const ServerRequest& request, const Caller& caller) {
    const StackName stack = stack_of(request);
    const DeploymentRecord record = m_deployments.create(stack, body_json(request), caller);
    return json_response(202, {{"id", record.id},
                               {"version", record.version},
                               {"consoleUrl", fmt::format("{}/api/stacks/{}/deployments/{}", request.base_url,
                                                          stack.to_string(), record.id)}});
  });
  user_route(router, "GET", base, [this](const ServerRequest& request, const Caller&) {
    DeploymentFilter filter;
    filter.stack = stack_of(request);
    filter.organization = filter.stack->organization;
    return json_response(200, listed(m_deployments, std::move(filter), request));
  });
  user_route(router, "GET", base + "/{id}", [this](const ServerRequest& request, const Caller&) {
    return json_response(200, deployment_json(m_deployments.detail(stack_of(request), request.parameter("id"))));
  });
  user_route(router, "GET", base + "/version/{version}", [this](const ServerRequest& request, const Caller&) {
    const std::string& text = request.parameter("version");
    if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(ErrorCode::malformed, "a version is a whole number");
    }
    return json_response(200, deployment_json(m_deployments.detail(stack_of(request), std::stoull(text))));
  });
  user_route(router, "GET", base + "/{id}/logs", [this](const ServerRequest& request, const Caller&) {
    const StackName stack = stack_of(request);
    const std::string& id = request.parameter("id");
    if (request.query_value("job") || request.query_value("step")) {
      const auto count = query_number(request, "count", 100, 1, 499);
      return json_response(
          200, page_json(m_deployments.page(stack, id, query_number(request, "job", 0, 0, limits::k_steps),
                                            query_number(request, "step", 0, 0, limits::k_steps - 1),
                                            query_number(request, "offset", 0, 0, limits::k_offset), count)));
    }
    const auto token = request.query_value("continuationToken");
    const std::chrono::seconds wait(query_number(request, "wait", k_hold_log, 0, k_longest_hold));
    const std::string place = token ? *token : request.query_value("nextToken").value_or("");
    return json_response(200, stream_json(m_deployments.stream(stack, id, place, wait, request.client_gone)));
  });
  // State of the stack is kept by the tool's own backend here, so no updates are known.
  user_route(router, "GET", base + "/{id}/updates", [this](const ServerRequest& request, const Caller&) {
    m_deployments.detail(stack_of(request), request.parameter("id"));
    return json_response(200, Json::array());
  });
  user_route(router, "POST", base + "/{id}/cancel", [this](const ServerRequest& request, const Caller& caller) {
    const bool changed = m_deployments.cancel(stack_of(request), request.parameter("id"), caller);
    return json_response(200, {{"message", changed ? "cancelled, or asked to stop" : "it had ended already"}});
  });
}

void Api::mount_organization_routes(http::Router& router) {
  const std::string base = "/api/orgs/{org}/deployments";
  user_route(router, "GET", base, [this](const ServerRequest& request, const Caller&) {
    DeploymentFilter filter;
    filter.organization = request.parameter("org");
    return json_response(200, listed(m_deployments, std::move(filter), request));
  });
  // airlock's own: a deployment by its id alone.
  user_route(router, "GET", base + "/{id}", [this](const ServerRequest& request, const Caller&) {
    std::optional<DeploymentRecord> record;
    {
      const std::lock_guard lock(m_core.mutex);
      record = m_core.records.deployment(request.parameter("id"));
    }
    if (!record || record->stack.organization != request.parameter("org")) {
      throw Error(ErrorCode::not_found, "the organization has no such deployment");
    }
    return json_response(200, deployment_json(m_deployments.detail(record->stack, record->id)));
  });
  for (const bool paused : {true, false}) {
    user_route(router, "POST", base + (paused ? "/pause" : "/resume"),
               [this, paused](const ServerRequest& request, const Caller&) {
                 if (!is_name(request.parameter("org"))) {
                   throw Error(ErrorCode::malformed, "there is no organization of this name");
                 }
                 m_deployments.pause_organization(request.parameter("org"), paused);
                 return json_response(200, Json::object());
               });
  }
  user_route(router, "GET", base + "/metadata", [this](const ServerRequest& request, const Caller&) {
    const std::lock_guard lock(m_core.mutex);
    const auto counts = m_core.records.count_states(request.parameter("org"));
    Json json = {{"notStarted", 0}, {"accepted", 0}, {"running", 0}, {"failed", 0}, {"succeeded", 0}, {"skipped", 0}};
    std::uint64_t total = 0;
    std::uint64_t busy = 0;
    for (const auto& [state, count] : counts) {
      const std::string status = state == DeploymentState::cancelled ? "skipped"
                                 : state == DeploymentState::queued  ? "notStarted"
                                                                     : std::string(api_status(state));
      json[status] = json[status].get<std::uint64_t>() + count;
      total += count;
      busy += state == DeploymentState::running || state == DeploymentState::offered ? count : 0;
    }
    json["total"] = total;
    return json_response(200, {{"paused", m_core.records.organization_paused(request.parameter("org"))},
                               {"concurrency", busy},
                               {"deploymentCounts", std::move(json)}});
  });
}

Api::SourceFile Api::source_file(const base::FileSlice& slice) {
  struct stat info = {};
  if (::fstat(slice.fd->get(), &info) != 0) {
    throw base::system_error(errno, "cannot examine an uploaded folder");
  }
  return {.inode = info.st_ino,
          .length = slice.length,
          .seconds = info.st_mtim.tv_sec,
          .nanoseconds = info.st_mtim.tv_nsec};
}

void Api::remember_source(const base::Digest& digest, const base::FileSlice& slice) {
  const SourceFile file = source_file(slice);
  const std::lock_guard lock(m_source_names);
  if (m_proven_sources.size() >= k_proven_sources) {
    m_proven_sources.clear();  // they are read once more
  }
  m_proven_sources[digest] = file;
}

std::optional<base::FileSlice> Api::whole_source(const base::Digest& digest) {
  auto slice = m_core.sources.open(digest);
  if (!slice) {
    return std::nullopt;
  }
  const SourceFile file = source_file(*slice);
  {
    const std::lock_guard lock(m_source_names);
    const auto proven = m_proven_sources.find(digest);
    if (proven != m_proven_sources.end() && proven->second == file) {
      return slice;
    }
  }
  if (holds(*slice, digest)) {    // without the lock: others are not to wait for gigabytes
    m_core.sources.sync(digest);  // whoever brought it may still be about to
    remember_source(digest, *slice);
    return slice;
  }
  const std::lock_guard lock(m_source_names);
  if (const auto now = m_core.sources.open(digest); now && source_file(*now) == file) {
    m_core.sources.remove(digest);
  }
  return std::nullopt;
}

void Api::doubt_source(const std::string& id, const base::Secret& token) {
  std::string sha256;
  try {
    m_dispatcher.source(id, token, sha256);
  } catch (const Error&) {
    return;  // it has none, or the job is not the agent's any more
  }
  const std::lock_guard lock(m_source_names);
  m_proven_sources.erase(base::Digest::parse_sha256_hex(sha256));
}

void Api::take_source(const http::ServerRequest& request, const base::Digest& digest) {
  try {
    store::BlobStore::Writer writer(m_core.sources, digest, *request.body_length);
    base::copy(*request.body, writer, m_core.options.source_limit);
    writer.sync();
    if (whole_source(digest)) {
      return;  // somebody else brought it meanwhile
    }
    const std::lock_guard lock(m_source_names);
    writer.finish();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::tampered) {
      throw wrong_body();
    }
    throw;
  }
  m_core.sources.sync(digest);
  if (const auto slice = m_core.sources.open(digest)) {
    remember_source(digest, *slice);  // it was hashed while it was written
  }
}

void Api::mount_source_routes(http::Router& router) {
  const std::string path = "/api/sources/{digest}";
  user_route(router, "PUT", path,
             [this](const ServerRequest& request, const Caller&) {
               const base::Digest digest = base::Digest::parse(request.parameter("digest"));
               if (digest.algorithm() != base::HashAlgorithm::sha256) {
                 throw Error(ErrorCode::malformed, "an uploaded folder is known by its SHA-256");
               }
               if (!request.body_length || *request.body_length == 0) {
                 throw Error(ErrorCode::malformed, "an upload has a body, and says its length");
               }
               if (const auto here = whole_source(digest)) {
                 base::NullSink nowhere;  // or the client could not finish what it began to say
                 base::HashingSink hashing(nowhere);
                 base::copy(*request.body, hashing, m_core.options.source_limit);
                 if (hashing.finish() != digest) {
                   throw wrong_body();
                 }
                 return json_response(200, {{"sha256", digest.hex()}, {"length", here->length}});
               }
               take_source(request, digest);
               return json_response(201, {{"sha256", digest.hex()}, {"length", *request.body_length}});
             },
             {m_core.options.source_limit});
  user_route(router, "GET", path, [this](const ServerRequest& request, const Caller&) {
    const base::Digest digest = base::Digest::parse(request.parameter("digest"));
    auto slice = digest.algorithm() == base::HashAlgorithm::sha256 ? whole_source(digest) : std::nullopt;
    if (!slice) {
      throw Error(ErrorCode::not_found, "this folder was not uploaded");
    }
    return ServerResponse::file(std::move(*slice), "application/gzip", digest.to_string());
  });
}

}  // namespace airlock::control
