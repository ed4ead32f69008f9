#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/names.hpp"
#include "ecosystem/pypi/requirement.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;

struct Marker::Node {
  enum class Kind { all, any, compare } kind = Kind::compare;
  std::vector<std::shared_ptr<const Node>> parts;  // of all and any
  struct Value {
    bool is_variable = false;
    std::string text;  // the variable's name, or the literal
  } left, right;
  std::string comparison;
};

namespace {

using Node = Marker::Node;

constexpr int k_marker_depth = 32;
constexpr std::size_t k_longest_marker = 16 * 1024;  // bytes

constexpr std::array<std::string_view, 12> k_variables = {"python_version",
                                                          "python_full_version",
                                                          "os_name",
                                                          "sys_platform",
                                                          "platform_system",
                                                          "platform_machine",
                                                          "platform_release",
                                                          "platform_version",
                                                          "implementation_name",
                                                          "implementation_version",
                                                          "platform_python_implementation",
                                                          "extra"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> k_old_names = {
    {{"os.name", "os_name"},
     {"sys.platform", "sys_platform"},
     {"platform.version", "platform_version"},
     {"platform.machine", "platform_machine"},
     {"platform.python_implementation", "platform_python_implementation"},
     {"python_implementation", "platform_python_implementation"}}};

class Parser {
 public:
  explicit Parser(std::string_view text) : m_whole(text), m_left(text) {}

  std::shared_ptr<const Node> parse() {
    auto node = any(0);
    skip();
    if (!m_left.empty()) {
      fail("has something behind its end");
    }
    return node;
  }

 private:
  std::shared_ptr<const Node> any(int depth) {
    return joined(Node::Kind::any, "or", depth,
                  [&] { return joined(Node::Kind::all, "and", depth, [&] { return one(depth); }); });
  }

  template <typename Part>
  std::shared_ptr<const Node> joined(Node::Kind kind, std::string_view word, int depth, Part part) {
    if (depth > k_marker_depth) {
      fail("is nested too deeply");
    }
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->parts.push_back(part());
    while (take_word(word)) {
      node->parts.push_back(part());
    }
    return node->parts.size() == 1 ? node->parts.front() : node;
  }

  std::shared_ptr<const Node> one(int depth) {
    skip();
    if (m_left.starts_with('(')) {
      m_left.remove_prefix(1);
      auto node = any(depth + 1);
      skip();
      if (!m_left.starts_with(')')) {
        fail("lacks a ')'");
      }
      m_left.remove_prefix(1);
      return node;
    }
    auto node = std::make_shared<Node>();
    node->left = value();
    node->comparison = comparison();
    node->right = value();
    return node;
  }

  Node::Value value() {
    skip();
    if (m_left.starts_with('"') || m_left.starts_with('\'')) {
      const std::size_t end = m_left.find(m_left.front(), 1);
      if (end == std::string_view::npos) {
        fail("has a quote without its end");
      }
      Node::Value value{.is_variable = false, .text = std::string(m_left.substr(1, end - 1))};
      m_left.remove_prefix(end + 1);
      return value;
    }
    std::size_t length = 0;
    while (length < m_left.size() && is_word(m_left[length])) {
      ++length;
    }
    std::string name(m_left.substr(0, length));
    for (const auto& [old, now] : k_old_names) {
      name = name == old ? std::string(now) : name;
    }
    if (std::find(k_variables.begin(), k_variables.end(), name) == k_variables.end()) {
      fail(name.empty() ? "lacks a value" : fmt::format("uses '{}', which is no variable", base::printable(name, 60)));
    }
    m_left.remove_prefix(length);
    return {.is_variable = true, .text = std::move(name)};
  }

  std::string comparison() {
    skip();
    for (const std::string_view symbol : {"===", "==", "!=", "~=", "<=", ">=", "<", ">"}) {
      if (m_left.starts_with(symbol)) {
        m_left.remove_prefix(symbol.size());
        return std::string(symbol);
      }
    }
    if (take_word("in")) {
      return "in";
    }
    if (take_word("not") && take_word("in")) {
      return "not in";
    }
    fail("lacks a comparison");
  }

  static bool is_word(char c) { return base::is_alphanumeric(c) || c == '_' || c == '.'; }
  void skip() {
    while (!m_left.empty() && (m_left.front() == ' ' || m_left.front() == '\t')) {
      m_left.remove_prefix(1);
    }
  }
  bool take_word(std::string_view word) {
    skip();
    if (!m_left.starts_with(word) || (m_left.size() > word.size() && is_word(m_left[word.size()]))) {
      return false;
    }
    m_left.remove_prefix(word.size());
    return true;
  }
  [[noreturn]] void fail(std::string_view why) const {
    throw Error(ErrorCode::malformed, fmt::format("the marker '{}' {}", base::printable(m_whole, 200), why));
  }

  std::string_view m_whole, m_left;
};

bool compare_texts(const std::string& left, const std::string& comparison, const std::string& right) {
  if (comparison == "in" || comparison == "not in") {
    return (right.find(left) != std::string::npos) == (comparison == "in");
  }
  if (comparison == "==" || comparison == "===") {
    return left == right;
  }
  if (comparison == "!=") {
    return left != right;
  }
  if (comparison == "<") {
    return left < right;
  }
  if (comparison == "<=") {
    return left <= right;
  }
  if (comparison == ">") {
    return left > right;
  }
  if (comparison == ">=") {
    return left >= right;
  }
  return false;  // "~=" of what are no versions compares nothing
}

bool evaluate(const Node& node, const MarkerEnvironment& environment, std::string_view extra) {
  const auto holds = [&](const auto& part) { return evaluate(*part, environment, extra); };
  if (node.kind == Node::Kind::all) {
    return std::all_of(node.parts.begin(), node.parts.end(), holds);
  }
  if (node.kind == Node::Kind::any) {
    return std::any_of(node.parts.begin(), node.parts.end(), holds);
  }
  const auto value_of = [&](const Node::Value& value) -> std::string {
    if (!value.is_variable) {
      return value.text;
    }
    if (value.text == "extra") {
      return std::string(extra);
    }
    const auto found = environment.find(value.text);
    return found == environment.end() ? "" : found->second;
  };
  std::string left = value_of(node.left), right = value_of(node.right);
  const std::string& variable = node.left.is_variable ? node.left.text : node.right.text;
  if (variable == "extra") {
    return compare_texts(normalised(left), node.comparison, normalised(right));
  }
  if (node.comparison != "in" && node.comparison != "not in") {
    const auto specifier = Specifier::parse(node.comparison + right);
    const auto version = Version::parse(left);
    if (specifier && version) {
      return specifier->contains(*version, left);
    }
  }
  return compare_texts(left, node.comparison, right);
}

}  // namespace

Marker Marker::parse(std::string_view text) {
  if (text.size() > k_longest_marker) {
    throw Error(ErrorCode::malformed, "a marker is longer than 16 KiB");
  }
  Marker marker;
  marker.m_root = Parser(text).parse();
  return marker;
}

bool Marker::holds(const MarkerEnvironment& environment, std::string_view extra) const {
  return evaluate(*m_root, environment, extra);
}

}  // namespace airlock::ecosystem::pypi
