#include "ecosystem/pypi/simple_page.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/url.hpp"
#include "ecosystem/pypi/index_page.hpp"

namespace airlock::ecosystem::pypi {

using base::Json;

namespace {

constexpr std::string_view k_api_version = "1.1";

std::string text_member(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

// Relative to /pypi/simple/NAME/: no host, so nothing to get wrong behind a proxy.
std::string reference(const std::string& project, const std::string& file) {
  return fmt::format("../../{}/{}", project, base::percent_encode(file));
}

Json file_json(const std::string& project, const ServedFile& file) {
  Json out = {{"filename", file.file},
              {"url", reference(project, file.file)},
              {"hashes", {{"sha256", file.sha256}}},
              {"size", file.size},
              {"yanked", false}};
  for (const char* key : {"requires-python", "upload-time"}) {
    if (const std::string value = text_member(file.entry, key); !value.empty()) {
      out[key] = value;
    }
  }
  if (!file.withheld.empty()) {
    out["yanked"] = file.withheld;
  } else if (const auto yanked = file.entry.find("yanked");
             yanked != file.entry.end() && (yanked->is_string() || yanked->is_boolean())) {
    out["yanked"] = *yanked;
  }
  const Json metadata = file.metadata.empty() ? Json(false) : Json{{"sha256", file.metadata}};
  out["core-metadata"] = metadata;
  out["dist-info-metadata"] = metadata;  // the older name of it
  return out;
}

std::string file_html(const std::string& project, const ServedFile& file) {
  std::string attributes;
  if (const std::string python = text_member(file.entry, "requires-python"); !python.empty()) {
    attributes += fmt::format(" data-requires-python=\"{}\"", base::html_escaped(python));
  }
  if (!file.withheld.empty()) {
    attributes += fmt::format(" data-yanked=\"{}\"", base::html_escaped(file.withheld));
  } else if (const auto yanked = file.entry.find("yanked");
             yanked != file.entry.end() && (yanked->is_string() || (yanked->is_boolean() && yanked->get<bool>()))) {
    attributes += fmt::format(" data-yanked=\"{}\"", base::html_escaped(text_member(file.entry, "yanked")));
  }
  if (!file.metadata.empty()) {
    attributes +=
        fmt::format(" data-core-metadata=\"sha256={0}\" data-dist-info-metadata=\"sha256={0}\"", file.metadata);
  }
  return fmt::format("    <a href=\"{}#sha256={}\"{}>{}</a><br/>\n", base::html_escaped(reference(project, file.file)),
                     file.sha256, attributes, base::html_escaped(file.file));
}

std::string html(std::string_view title, std::string_view body) {
  return fmt::format("<!DOCTYPE html>\n<html>\n  <head>\n    <meta name=\"pypi:repository-version\" content=\"1.0\">\n"
                     "    <title>{}</title>\n  </head>\n  <body>\n{}  </body>\n</html>\n",
                     base::html_escaped(title), body);
}

}  // namespace

std::string_view content_type(PageForm form) {
  return form == PageForm::json ? k_json_type : form == PageForm::html ? k_html_type : "text/html; charset=utf-8";
}

std::optional<PageForm> choose_form(std::string_view accept) {
  if (base::trim(accept).empty()) {
    return PageForm::legacy_html;
  }
  double best = 0;
  std::optional<PageForm> chosen;
  for (const std::string& part : base::split(accept, ',')) {
    const std::vector<std::string> fields = base::split(part, ';');
    const std::string type = base::to_lower(base::trim(fields.front()));
    double quality = 1;
    for (std::size_t i = 1; i < fields.size(); ++i) {
      const std::string_view parameter = base::trim(fields[i]);
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
        const std::string number(parameter.substr(2));
        char* end = nullptr;
        quality = std::strtod(number.c_str(), &end);
        quality = end == number.c_str() || !(quality >= 0 && quality <= 1) ? 0 : quality;
      }
    }
    std::optional<PageForm> form;
    if (type == k_json_type || type == "application/vnd.pypi.simple.latest+json") {
      form = PageForm::json;
    } else if (type == k_html_type || type == "application/vnd.pypi.simple.latest+html") {
      form = PageForm::html;
    } else if (type == "text/html" || type == "text/*" || type == "*/*") {
      form = PageForm::legacy_html;
    } else if (type == "application/*") {
      form = PageForm::json;
    }
    if (form && quality > best) {
      best = quality;
      chosen = form;
    }
  }
  return chosen;
}

std::string project_page(const std::string& project, const std::vector<ServedFile>& files, PageForm form) {
  if (form == PageForm::json) {
    Json page = {{"meta", {{"api-version", k_api_version}}},
                 {"name", project},
                 {"versions", Json::array()},
                 {"files", Json::array()}};
    std::set<std::string> versions;
    for (const ServedFile& file : files) {
      page["files"].push_back(file_json(project, file));
      versions.insert(file.version);
    }
    page["versions"] = versions;
    return base::to_line(page);
  }
  std::string body = fmt::format("    <h1>Links for {}</h1>\n", base::html_escaped(project));
  for (const ServedFile& file : files) {
    body += file_html(project, file);
  }
  return html("Links for " + project, body);
}

std::string index_page(const std::vector<std::string>& projects, PageForm form) {
  if (form == PageForm::json) {
    Json page = {{"meta", {{"api-version", k_api_version}}}, {"projects", Json::array()}};
    for (const std::string& project : projects) {
      page["projects"].push_back({{"name", project}});
    }
    return page.dump();
  }
  std::string body;
  for (const std::string& project : projects) {
    body += fmt::format("    <a href=\"{0}/\">{0}</a><br/>\n", base::html_escaped(project));
  }
  return html("Simple index", body);
}

}  // namespace airlock::ecosystem::pypi
