#include "ecosystem/pypi/index_page.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/json_list.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using base::Json;
using base::Url;

namespace {

constexpr std::size_t k_most_files = 200'000;
constexpr std::size_t k_longest_value = 4096;  // bytes

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), base::is_hex_digit);
}

std::size_t hex_length(std::string_view algorithm) {
  return algorithm == "sha256" ? 64 : algorithm == "sha384" ? 96 : algorithm == "sha512" ? 128 : 0;
}

// What is longer or cannot be printed is nothing that a client could use.
std::string sound(std::string_view text) {
  const std::string_view trimmed = base::trim(text);
  return trimmed.size() <= k_longest_value && base::printable(trimmed, k_longest_value + 1) == trimmed
             ? std::string(trimmed)
             : "";
}

void add_hash(IndexFile& file, std::string_view algorithm, std::string_view value) {
  const std::string hex = base::to_lower(value);
  if (hex_length(algorithm) != 0 && is_hex(hex, hex_length(algorithm))) {
    file.hashes[std::string(algorithm)] = hex;
  }
}

Error no_page(const std::string& project, std::string_view why) {
  return Error(ErrorCode::malformed, fmt::format("the index page of '{}' {}", project, why));
}

// Collects files, each name once whatever its case and spelling.
class Collector {
 public:
  Collector(std::string project, Url url) : m_url(std::move(url)) { m_page.project = std::move(project); }

  void set_base(const Url& url) { m_url = url; }

  // `describe` fills in the rest.
  template <typename Describe>
  void add(std::string_view name, std::string_view reference, Describe describe) {
    auto parsed = parse_file_name(name, m_page.project);
    if (!parsed) {
      return;
    }
    IndexFile file;
    file.file = name;
    file.name = std::move(*parsed);
    try {
      file.url = m_url.resolve(reference.substr(0, reference.find('#')));
    } catch (const Error&) {
      return;
    }
    if (file.url.scheme() != "http" && file.url.scheme() != "https") {
      return;
    }
    describe(file);
    // The part behind the project's name: that name alone may be spelt in several ways.
    const std::string key = base::to_lower(name.substr(name.find("-" + file.name.version_text)));
    if (const auto [first, fresh] = m_seen.emplace(key, file.file); !fresh) {
      if (first->second != file.file) {
        m_page.left_out.push_back(file.file);
      }
      return;
    }
    if (m_page.files.size() >= k_most_files) {
      throw Error(ErrorCode::limit, fmt::format("the index page of '{}' lists too many files", m_page.project));
    }
    m_page.files.push_back(std::move(file));
  }
  IndexPage take() { return std::move(m_page); }

 private:
  Url m_url;
  IndexPage m_page;
  std::map<std::string, std::string> m_seen;  // to the name as spelt
};

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? sound(found->get_ref<const std::string&>()) : "";
}

// false, true, or {"sha256": "…"}
std::optional<std::string> metadata_of(const Json& object) {
  for (const char* key : {"core-metadata", "dist-info-metadata"}) {
    const auto found = object.find(key);
    if (found == object.end()) {
      continue;
    }
    if (found->is_boolean() && found->get<bool>()) {
      return "";
    }
    if (found->is_object()) {
      const std::string hex = base::to_lower(text_of(*found, "sha256"));
      return is_hex(hex, 64) ? hex : "";
    }
  }
  return std::nullopt;
}

void describe(const Json& entry, IndexFile& file) {
  if (const auto hashes = entry.find("hashes"); hashes != entry.end() && hashes->is_object()) {
    for (const auto& [algorithm, value] : hashes->items()) {
      if (value.is_string()) {
        add_hash(file, algorithm, value.get_ref<const std::string&>());
      }
    }
  }
  file.requires_python = text_of(entry, "requires-python");
  if (const auto yanked = entry.find("yanked"); yanked != entry.end()) {
    if (yanked->is_string()) {
      file.yanked = sound(yanked->get_ref<const std::string&>());
    } else if (yanked->is_boolean() && yanked->get<bool>()) {
      file.yanked = "";
    }
  }
  file.core_metadata = metadata_of(entry);
  if (const auto size = entry.find("size"); size != entry.end() && size->is_number_unsigned()) {
    file.size = size->get<std::uint64_t>();
  }
  file.upload_time = text_of(entry, "upload-time");
}

std::string decode_entities(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t ampersand = text.find('&');
    out += text.substr(0, ampersand);
    if (ampersand == std::string_view::npos) {
      break;
    }
    text.remove_prefix(ampersand);
    static constexpr std::pair<std::string_view, char> k_entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'},  {"&gt;", '>'},    {"&quot;", '"'}, {"&#39;", '\''}, {"&#62;", '>'},
        {"&#60;", '<'}, {"&#34;", '"'}, {"&#x27;", '\''}, {"&#38;", '&'},  {"&apos;", '\''}};
    const auto found = std::find_if(std::begin(k_entities), std::end(k_entities),
                                    [&](const auto& entity) { return text.starts_with(entity.first); });
    out += found == std::end(k_entities) ? '&' : found->second;
    text.remove_prefix(found == std::end(k_entities) ? 1 : found->first.size());
  }
  return out;
}

using Attributes = std::map<std::string, std::string, std::less<>>;

// The attributes of a tag whose name is already taken, up to and including its ">".
Attributes take_attributes(std::string_view& text) {
  Attributes attributes;
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; };
  const auto skip = [&] {
    while (!text.empty() && (is_space(text.front()) || text.front() == '/')) {
      text.remove_prefix(1);
    }
  };
  for (skip(); !text.empty() && text.front() != '>'; skip()) {
    std::size_t length = 0;
    while (length < text.size() && !is_space(text[length]) && text[length] != '=' && text[length] != '>' &&
           text[length] != '/') {
      ++length;
    }
    length = std::max<std::size_t>(length, 1);
    std::string name = base::to_lower(text.substr(0, length));
    text.remove_prefix(length);
    skip();
    std::string value;
    if (text.starts_with('=')) {
      text.remove_prefix(1);
      while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
      }
      std::size_t end = 0;
      if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
        const char quote = text.front();
        text.remove_prefix(1);
        end = std::min(text.find(quote), text.size());
        value = decode_entities(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
      } else {
        while (end < text.size() && !is_space(text[end]) && text[end] != '>') {
          ++end;
        }
        value = decode_entities(text.substr(0, end));
        text.remove_prefix(end);
      }
    }
    attributes.emplace(std::move(name), std::move(value));
  }
  if (!text.empty()) {
    text.remove_prefix(1);
  }
  return attributes;
}

void describe(const Attributes& attributes, std::string_view reference, IndexFile& file) {
  const auto value = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::nullopt : std::optional(sound(found->second));
  };
  if (const std::size_t hash = reference.find('#'); hash != std::string_view::npos) {
    for (const std::string& part : base::split(reference.substr(hash + 1), '&')) {
      const std::size_t equals = part.find('=');
      if (equals != std::string::npos) {
        add_hash(file, part.substr(0, equals), std::string_view(part).substr(equals + 1));
      }
    }
  }
  file.requires_python = value("data-requires-python").value_or("");
  file.yanked = value("data-yanked");
  for (const std::string_view name : {"data-core-metadata", "data-dist-info-metadata"}) {
    const auto metadata = value(name);
    if (metadata && !file.core_metadata && *metadata != "false") {
      const std::string hex =
          base::to_lower(metadata->starts_with("sha256=") ? std::string_view(*metadata).substr(7) : "");
      file.core_metadata = is_hex(hex, 64) ? hex : "";
    }
  }
}

}  // namespace

std::string IndexFile::sha256() const {
  const auto found = hashes.find("sha256");
  return found == hashes.end() ? "" : found->second;
}

IndexPage parse_json_page(std::string_view text, const std::string& project, const Url& url) {
  const std::string what = fmt::format("the index page of '{}'", project);
  const SplitJson split = split_json_list(text, "files");
  const Json page = base::parse_json(split.rest, what);
  if (!page.is_object()) {
    throw no_page(project, "is no JSON object");
  }
  const auto meta = page.find("meta");
  const std::string version = meta != page.end() && meta->is_object() ? text_of(*meta, "api-version") : "";
  if (!version.starts_with("1.")) {
    throw no_page(project, version.empty() ? "has no api-version" : "has another api-version than 1");
  }
  if (normalised(text_of(page, "name")) != project) {
    throw no_page(project, fmt::format("is for '{}'", text_of(page, "name")));
  }
  const auto files = page.find("files");
  if (files == page.end() || !files->is_array()) {
    throw no_page(project, "has no list of files");
  }
  Collector collector(project, url);
  const auto take = [&](const Json& entry) {
    const std::string reference = entry.is_object() ? text_of(entry, "url") : "";
    if (!reference.empty()) {
      collector.add(text_of(entry, "filename"), reference, [&](IndexFile& file) { describe(entry, file); });
    }
  };
  for (const Json& entry : *files) {
    take(entry);
  }
  for (const std::string_view item : split.items) {
    take(base::parse_json(item, what));
  }
  return collector.take();
}

IndexPage parse_html_page(std::string_view text, const std::string& project, const Url& url) {
  Collector collector(project, url);
  bool links = false, ended = false;
  while (!text.empty()) {
    const std::size_t open = text.find('<');
    if (open == std::string_view::npos) {
      break;
    }
    text.remove_prefix(open + 1);
    if (text.starts_with("!--")) {
      const std::size_t end = text.find("-->");
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 3);
      continue;
    }
    std::size_t length = 0;
    while (length < text.size() && ((text[length] >= 'a' && text[length] <= 'z') ||
                                    (text[length] >= 'A' && text[length] <= 'Z') || text[length] == '/')) {
      ++length;
    }
    const std::string tag = base::to_lower(text.substr(0, length));
    text.remove_prefix(length);
    if (tag == "/html" || tag == "/body") {
      ended = true;
    }
    if (tag != "a" && tag != "base" && tag != "meta") {
      continue;
    }
    const Attributes attributes = take_attributes(text);
    const auto reference = attributes.find("href");
    if (tag == "meta") {
      const auto name = attributes.find("name");
      const auto content = attributes.find("content");
      if (name != attributes.end() && name->second == "pypi:repository-version" && content != attributes.end() &&
          !content->second.starts_with("1.")) {
        throw no_page(project, "has another repository version than 1");
      }
    } else if (reference != attributes.end() && tag == "base") {
      collector.set_base(url.resolve(reference->second));
    } else if (reference != attributes.end()) {
      links = true;
      std::string_view path = std::string_view(reference->second).substr(0, reference->second.find_first_of("?#"));
      path = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
      try {
        collector.add(base::percent_decode(path), reference->second,
                      [&](IndexFile& file) { describe(attributes, reference->second, file); });
      } catch (const Error& error) {
        if (error.code() != ErrorCode::malformed) {
          throw;
        }
      }
    }
  }
  IndexPage page = collector.take();
  if (!ended) {
    throw no_page(project, "breaks off before its end");
  }
  if (page.files.empty() && links) {
    throw no_page(project, "links to no file of that project; it may be another kind of page");
  }
  return page;
}

std::string entry_text(const IndexFile& file) {
  Json entry = {{"filename", file.file}, {"hashes", Json::object()}};
  for (const auto& [algorithm, value] : file.hashes) {
    entry["hashes"][algorithm] = value;
  }
  if (!file.requires_python.empty()) {
    entry["requires-python"] = file.requires_python;
  }
  if (file.yanked) {
    entry["yanked"] = file.yanked->empty() ? Json(true) : Json(*file.yanked);
  }
  if (file.core_metadata) {
    entry["core-metadata"] = file.core_metadata->empty() ? Json(true) : Json{{"sha256", *file.core_metadata}};
  }
  if (file.size) {
    entry["size"] = *file.size;
  }
  if (!file.upload_time.empty()) {
    entry["upload-time"] = file.upload_time;
  }
  return entry.dump() + "\n";
}

Json parse_entry(std::string_view text) {
  Json entry = base::parse_json(text, "a file's index entry", {.bytes = 64 * 1024, .depth = 4, .members = 100});
  if (!entry.is_object() || text_of(entry, "filename").empty()) {
    throw Error(ErrorCode::malformed, "a file's index entry has no file name");
  }
  return entry;
}

}  // namespace airlock::ecosystem::pypi
