#include "mirror/front_page.hpp"

#include <functional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::mirror {

namespace {

constexpr std::string_view k_style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ddd}td+td+td,th+th+th{text-align:right}code{background:#f2f2f2;padding:.1rem "
    ".3rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}code{background:#2a2a2a}"
    "th,td{border-color:#444}a{color:#8bf}}";

std::string table(std::string_view first, std::string_view second, const std::map<std::string, ChannelSummary>& rows,
                  const std::function<std::string(const std::string&)>& detail) {
  std::string out = fmt::format("<table><tr><th>{}</th><th>{}</th><th>files</th><th>size</th></tr>\n", first, second);
  for (const auto& [name, summary] : rows) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", base::html_escaped(name),
                       detail(name), summary.files, base::format_bytes(summary.bytes));
  }
  return out + "</table>\n";
}

}  // namespace

std::shared_ptr<const CatalogSummary> CatalogSummaries::of(const store::Catalog& catalog) {
  const std::lock_guard lock(m_mutex);
  if (!m_last || m_last->number != catalog.number()) {
    auto summary = std::make_shared<CatalogSummary>();
    summary->number = catalog.number();
    for (const ecosystem::Ecosystem* one : ecosystem::all_ecosystems()) {
      catalog.for_each(one->id, [&](const store::CatalogRow& row) {
        if (row.kind == model::Kind::file) {
          for (ChannelSummary* sum : {&summary->channels[row.channel], &summary->ecosystems[one->id]}) {
            ++sum->files;
            sum->bytes += row.length.value_or(0);
          }
        }
        return true;
      });
    }
    m_last = std::move(summary);
  }
  return m_last;
}

std::string front_page(const CatalogSummary* summary, std::string_view base_url) {
  std::string body;
  if (summary == nullptr) {
    body = "<p>Nothing was imported yet. On this host: <code>airlock import BUNDLE</code>.</p>\n";
  } else {
    body = fmt::format("<h2>Channels</h2>\n{}<h2>Served</h2>\n{}<p>Catalog {}.</p>\n",
                       table("channel", "", summary->channels, [](const std::string&) { return ""; }),
                       table("ecosystem", "address", summary->ecosystems,
                             [&](const std::string& id) {
                               const ecosystem::Ecosystem* one = ecosystem::find_ecosystem(id);
                               return fmt::format("<code>{}{}</code>", base::html_escaped(base_url),
                                                  one == nullptr ? "" : base::html_escaped(one->url_prefix));
                             }),
                       summary->number);
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>airlock mirror</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width\"><style>{}</style></head><body>\n<h1>airlock "
      "mirror</h1>\n"
      "{}<h2>Use it</h2>\n<p>Configuration for every client: <a href=\"/setup/\"><code>/setup/</code></a>. "
      "For a shell: "
      "<code>curl -fsS {}/setup/env.sh</code>. With airlock on the client: <code>airlock client write --url "
      "{}</code>."
      "</p>\n<p>What is asked for and missing is noted; <code>airlock wants</code> makes the list to carry "
      "back.</p>\n"
      "</body></html>\n",
      k_style, body, base::html_escaped(base_url), base::html_escaped(base_url));
}

}  // namespace airlock::mirror
