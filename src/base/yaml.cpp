// Reading: yaml-cpp's events, not its tree, so that depth, anchors and tags are judged before anything is
// built.
#include "base/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_largest_text = std::size_t{16} * 1024 * 1024;  // bytes
constexpr std::size_t k_largest_depth = 32;
constexpr std::string_view k_quoted_tag = "!";

}  // namespace

class YamlReader : public YAML::EventHandler {
 public:
  explicit YamlReader(std::string file) : m_file(std::move(file)) {}

  YamlNode read(const std::string& text) {
    try {
      std::istringstream stream(text);
      YAML::Parser parser(stream);
      while (parser.HandleNextDocument(*this)) {
      }
      return std::move(m_root);
    } catch (const YAML::Exception& error) {
      fail(error.mark, printable(error.msg));
    }
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++m_documents > 1) {
      fail(mark, "a second document begins here, where only one is allowed");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, {}, anchor);
    add(make(mark, YamlNode::Kind::null));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { fail(mark, "aliases are not allowed here"); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { fail(mark, "anchors are not allowed here"); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    // Escapes can make what could not be typed; some of yaml-cpp's are Latin-1.
    if (value.find('\0') != std::string::npos || !is_valid_utf8(value)) {
      fail(mark, "this text has an escape that is not allowed here");
    }
    YamlNode node = make(mark, YamlNode::Kind::scalar);
    node.m_scalar = value;
    node.m_quoted = tag == k_quoted_tag;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    std::optional<YamlNode> key;  // read, its value not yet
    std::unordered_set<std::string> keys;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, std::string message) const {
    throw Error(ErrorCode::manifest, std::move(message)).at(position(mark));
  }

  SourcePosition position(const YAML::Mark& mark) const {
    return {.file = m_file, .line = mark.line + 1, .column = mark.column + 1};
  }

  YamlNode make(const YAML::Mark& mark, YamlNode::Kind kind) const {
    YamlNode node;
    node.m_kind = kind;
    node.m_position = position(mark);
    return node;
  }

  void check(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor) const {
    if (anchor != 0) {
      fail(mark, "anchors are not allowed here");
    }
    if (!tag.empty() && tag != "?" && tag != k_quoted_tag) {
      fail(mark, fmt::format("the tag '{}' is not allowed here", printable(tag, 100)));
    }
  }

  void open(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    check(mark, tag, anchor);
    if (m_open.size() >= k_largest_depth) {
      fail(mark, fmt::format("this is nested deeper than {} levels", k_largest_depth));
    }
    m_open.push_back({.node = make(mark, kind), .key = {}, .keys = {}});
  }

  void close() {
    YamlNode node = std::move(m_open.back().node);
    m_open.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (m_open.empty()) {
      m_root = std::move(node);
      return;
    }
    Frame& frame = m_open.back();
    if (frame.node.is_sequence()) {
      frame.node.m_items.push_back(std::move(node));
    } else if (frame.key) {
      frame.node.m_members.emplace_back(*std::move(frame.key), std::move(node));
      frame.key.reset();
    } else {
      check_key(frame, node);
      frame.key = std::move(node);
    }
  }

  static void check_key(Frame& frame, const YamlNode& key) {
    if (!key.is_scalar()) {
      throw Error(ErrorCode::manifest, "a key must be a text").at(key.position());
    }
    if (key.scalar() == "<<" && !key.quoted()) {
      throw Error(ErrorCode::manifest, "merge keys are not allowed here").at(key.position());
    }
    if (!frame.keys.insert(key.scalar()).second) {
      throw Error(ErrorCode::manifest,
                  fmt::format("the key '{}' stands here a second time", printable(key.scalar(), 100)))
          .at(key.position());
    }
  }

  std::string m_file;
  int m_documents = 0;
  YamlNode m_root;
  std::vector<Frame> m_open;
};

YamlNode parse_yaml(std::string_view text, std::string file) {
  const auto refuse = [&](std::string message) {
    return Error(ErrorCode::manifest, std::move(message)).at({.file = file});
  };
  if (text.size() > k_largest_text) {
    throw refuse(fmt::format("the file has more than {} bytes", k_largest_text));
  }
  // yaml-cpp guesses among the UTF encodings, and takes some bytes for others; here it must not have to
  // guess.
  if (!is_valid_utf8(text)) {
    throw refuse("the file is not UTF-8 text");
  }
  const auto bad = std::ranges::find_if(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F;
  });
  if (bad != text.end()) {
    const auto line = std::count(text.begin(), bad, '\n') + 1;
    throw Error(ErrorCode::manifest, "there is a control character in the file")
        .at({.file = file, .line = static_cast<int>(line)});
  }
  return YamlReader(std::move(file)).read(std::string(text));
}

YamlNode read_yaml_file(const std::filesystem::path& path) {
  return parse_yaml(read_file(path, k_largest_text), path.native());
}

}  // namespace airlock::base
