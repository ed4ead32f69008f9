// The HTTP side of the control plane: each file mounts the routes of one topic. Every answer is JSON, errors too,
// and says nothing of what went wrong inside.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "control/access.hpp"
#include "control/deployments.hpp"
#include "control/dispatcher.hpp"
#include "http/server.hpp"

namespace airlock::control {

class Api {
 public:
  Api(Core& core, Access& access, Dispatcher& dispatcher, Deployments& deployments)
      : m_core(core), m_access(access), m_dispatcher(dispatcher), m_deployments(deployments) {}

  void mount(http::Router& router);

 private:
  using UserHandler = std::function<http::ServerResponse(const http::ServerRequest&, const Caller&)>;
  using JobHandler =
      std::function<http::ServerResponse(const http::ServerRequest&, const std::string& id, const base::Secret& token)>;

  void mount_agent_routes(http::Router& router);
  void mount_pool_routes(http::Router& router);
  void mount_identity_routes(http::Router& router);
  void mount_token_routes(http::Router& router);
  void mount_settings_routes(http::Router& router);
  void mount_deployment_routes(http::Router& router);
  void mount_organization_routes(http::Router& router);
  void mount_source_routes(http::Router& router);

  // Behind a user's token; the token is looked at before the body.
  void user_route(http::Router& router, std::string method, std::string pattern, UserHandler handler,
                  http::RouteOptions options = {});
  // Below /api/deployments/{id}/, behind a job's token.
  void job_route(http::Router& router, std::string method, std::string_view what, JobHandler handler);

  http::ServerResponse pool_detail(const PoolRecord& pool);
  PoolRecord pool_of(const http::ServerRequest& request);  // throws not_found
  // The uploaded folder, read once since this began or a job with it failed, and on the medium; nullopt: not here, or
  // its file was not what its name says, or could not be read, and is gone.
  std::optional<base::FileSlice> whole_source(const base::Digest& digest);
  void remember_source(const base::Digest& digest, const base::FileSlice& slice);
  // The folder of a job that failed may be why: whoever asks for it next has it read again.
  void doubt_source(const std::string& id, const base::Secret& token);
  void take_source(const http::ServerRequest& request, const base::Digest& digest);  // throws malformed, limit

  Core& m_core;
  Access& m_access;
  Dispatcher& m_dispatcher;
  Deployments& m_deployments;
  // Which file it was that was read, or written, under a digest: a later one of that name is read anew.
  struct SourceFile {
    std::uint64_t inode = 0, length = 0;
    std::int64_t seconds = 0, nanoseconds = 0;  // of its last change
    bool operator==(const SourceFile&) const = default;
  };
  static SourceFile source_file(const base::FileSlice& slice);  // throws io

  std::mutex m_source_names;  // what is taken away as damaged must not be what just took its place
  std::map<base::Digest, SourceFile> m_proven_sources;  // under it, too
};

http::ServerResponse json_response(int status, const base::Json& json);
http::ServerResponse no_content();
std::string body_text(const http::ServerRequest& request);  // throws limit
base::Json body_json(const http::ServerRequest& request);   // throws malformed, limit
StackName stack_of(const http::ServerRequest& request);     // throws malformed
// Of a query; throws malformed outside the range.
std::uint64_t query_number(const http::ServerRequest& request, std::string_view name, std::uint64_t fallback,
                           std::uint64_t smallest, std::uint64_t largest);

}  // namespace airlock::control
