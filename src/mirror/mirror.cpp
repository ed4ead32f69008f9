#include "mirror/mirror.hpp"

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mirror/fetches.hpp"
#include "mirror/front_page.hpp"
#include "mirror/metrics.hpp"
#include "mirror/setup_routes.hpp"
#include "mirror/wants.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"

namespace airlock::mirror {

using http::ServerRequest;
using http::ServerResponse;

namespace {

constexpr const char* k_metrics_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* k_page_policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

std::string access_line(const http::AccessRecord& record) {
  return fmt::format("{} \"{} {}\" {} {} {:.3f}ms", record.peer, base::printable(record.method, 32),
                     base::printable(record.target, 2000), record.status, record.bytes,
                     static_cast<double>(record.duration.count()) / 1000.0);
}

}  // namespace

struct Mirror::Impl {
  explicit Impl(MirrorOptions given)
      : options(std::move(given)), clock(options.clock == nullptr ? system_clock : *options.clock),
        catalog(options.home), blobs(options.home / "blobs"), wants(options.home, clock, options.error_log),
        fetches(options.home, options.fetches, clock, options.error_log) {
    if (options.control) {
      options.control->home = options.home;
      options.control->clock = &clock;
      options.control->error_log = options.error_log;
      control.emplace(*options.control);
    }
    server.emplace(server_options(), make_router());
  }

  http::ServerOptions server_options() {
    http::ServerOptions result = options.server;
    result.on_access = [this, inner = options.server.on_access](const http::AccessRecord& record) {
      metrics.count(record);
      if (options.access_log) {
        options.access_log(access_line(record));
      }
      if (inner) {
        inner(record);
      }
    };
    result.on_error = [this, inner = options.server.on_error](std::string_view id, const ServerRequest& request,
                                                              const base::Error& error) {
      if (options.error_log) {
        options.error_log(fmt::format("request {} \"{} {}\": {}", id, base::printable(request.method, 32),
                                      base::printable(request.target, 2000), error.message()));
      }
      if (inner) {
        inner(id, request, error);
      }
    };
    return result;
  }

  http::Router make_router() {
    http::Router router;
    const ecosystem::MirrorContext context{[this] { return catalog.get(); }, blobs,
                                           [this](std::string_view ecosystem, std::string_view name) {
                                             metrics.count_missing();
                                             wants.record(ecosystem, name);
                                           }};
    http::Router content;
    for (const ecosystem::Ecosystem* one : ecosystem::all_ecosystems()) {
      if (one->mount) {
        one->mount(content, context);
      }
    }
    mount_observed(router, std::make_shared<const http::Router>(std::move(content)));
    router.add("GET", "/healthz", [](const ServerRequest&) { return ServerResponse::text(200, "ok\n"); });
    router.add("GET", "/readyz", [this](const ServerRequest&) {
      return catalog.get() ? ServerResponse::text(200, "ready\n")
                           : ServerResponse::text(503, "nothing was imported yet\n");
    });
    router.add("GET", "/metrics", [this](const ServerRequest&) {
      return ServerResponse::text(200, metrics.text(catalog.get().get()), k_metrics_type);
    });
    router.add("GET", "/", [this](const ServerRequest& request) { return page(request); });
    mount_setup(router, options.ca_certificate);
    if (control) {
      control->mount(router);
    }
    if (options.mount_more) {
      options.mount_more(router, context);
    }
    return router;
  }

  // Every route of `content`, with each answer told to `fetches`.
  void mount_observed(http::Router& router, const std::shared_ptr<const http::Router>& content) {
    for (const std::string& route : content->patterns()) {
      const auto blank = route.find(' ');
      const std::string method = route.substr(0, blank);
      const std::string pattern = route.substr(blank + 1);
      // A pattern matches itself as a path, and no other route does so better: none has "{…}" for a literal.
      const auto match = content->find(method, base::split(std::string_view(pattern).substr(1), '/'));
      const auto observed = [this, content, handler = match.handler](const ServerRequest& request) {
        ServerResponse response = (*handler)(request);
        fetches.record(request, response);
        return response;
      };
      router.add(method, pattern, observed, match.options);
    }
  }

  ServerResponse page(const ServerRequest& request) {
    const std::shared_ptr<const store::Catalog> current = catalog.get();
    const std::shared_ptr<const CatalogSummary> summary = current ? summaries.of(*current) : nullptr;
    ServerResponse response =
        ServerResponse::text(200, front_page(summary.get(), request.base_url), "text/html; charset=utf-8");
    response.headers.set("Content-Security-Policy", k_page_policy);
    response.headers.set("Cache-Control", "no-cache");
    return response;
  }

  MirrorOptions options;
  base::SystemClock system_clock;
  const base::Clock& clock;
  store::CurrentCatalog catalog;
  store::BlobStore blobs;
  Metrics metrics;
  CatalogSummaries summaries;
  WantsRecorder wants;
  FetchRecorder fetches;
  std::optional<control::ControlPlane> control;
  std::optional<http::Server> server;  // last: its threads use all of the above until it is gone
};

Mirror::Mirror(MirrorOptions options) : m_impl(std::make_unique<Impl>(std::move(options))) {}

Mirror::~Mirror() = default;

std::uint16_t Mirror::port() const {
  return m_impl->server->port();
}

void Mirror::start() {
  m_impl->server->start();
}

void Mirror::stop() {
  if (m_impl->control) {
    m_impl->control->stop_waiting();  // or held answers would take up the grace time
  }
  m_impl->server->stop();
  flush_records();
}

void Mirror::reload_certificate() {
  m_impl->server->reload_certificate();
}

void Mirror::flush_records() {
  m_impl->wants.flush();
  m_impl->fetches.flush();
}

}  // namespace airlock::mirror
