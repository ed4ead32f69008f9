// The tree: typed reading, comparison, printing.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/text.hpp"
#include "base/yaml.hpp"

namespace airlock::base {

namespace {

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

bool is_word_character(char c) {
  return is_alphanumeric(c) || c == '_' || c == '/';
}

// Narrower than YAML allows: what is plain here is plain for every reader.
bool can_be_plain(std::string_view text) {
  return !is_null_word(text) && is_word_character(text.front()) && text.back() != ':' &&
         std::ranges::all_of(text, [](char c) {
           return is_word_character(c) || c == '.' || c == '-' || c == '+' || c == '@' || c == ':';
         });
}

std::string quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

class Printer {
 public:
  std::string print(const YamlNode& node) {
    if (is_inline(node)) {
      return print_inline(node) + '\n';
    }
    print_block(node, 0);
    return std::move(m_text);
  }

 private:
  static bool is_inline(const YamlNode& node) {
    return node.is_null() || node.is_scalar() || (node.items().empty() && node.members().empty());
  }

  static std::string print_inline(const YamlNode& node) {
    switch (node.kind()) {
    case YamlNode::Kind::null:
      return "null";
    case YamlNode::Kind::scalar:
      return !node.quoted() && can_be_plain(node.scalar()) ? node.scalar() : quote(node.scalar());
    case YamlNode::Kind::sequence:
      return "[]";
    case YamlNode::Kind::mapping:
      return "{}";
    }
    return {};
  }

  // The cursor stands where the first line of the node belongs; later lines are indented.
  void print_block(const YamlNode& node, std::size_t indent) {
    bool first = true;
    const auto begin_line = [&] {
      if (!first) {
        m_text.append(indent, ' ');
      }
      first = false;
    };
    for (const YamlNode& item : node.items()) {
      begin_line();
      m_text += "- ";
      print_value(item, indent + 2, false);
    }
    for (const auto& [key, value] : node.members()) {
      begin_line();
      const std::string text = print_inline(key);
      // A key that is followed by its colon may have 1024 characters; a longer one is announced.
      constexpr std::size_t longest_simple_key = 1000;
      if (text.size() > longest_simple_key) {
        m_text += fmt::format("? {}\n{:{}}:", text, "", indent);
      } else {
        m_text += text + ":";
      }
      print_value(value, indent + 2, true);
    }
  }

  void print_value(const YamlNode& value, std::size_t indent, bool after_key) {
    if (is_inline(value)) {
      m_text += fmt::format("{}{}\n", after_key ? " " : "", print_inline(value));
      return;
    }
    if (after_key) {
      m_text += '\n';
      m_text.append(indent, ' ');
    }
    print_block(value, indent);
  }

  std::string m_text;
};

Error wrong(const YamlNode& node, std::string_view what, std::string_view wanted) {
  return Error(ErrorCode::manifest, fmt::format("{} must be {}", what, wanted)).at(node.position());
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find_if(m_members, [&](const auto& member) { return member.first.m_scalar == key; });
  return found == m_members.end() ? nullptr : &found->second;
}

std::string YamlNode::as_string(std::string_view what) const {
  if (!is_scalar()) {
    throw wrong(*this, what, "a text");
  }
  return m_scalar;
}

bool YamlNode::as_bool(std::string_view what) const {
  if (is_scalar() && !m_quoted && (m_scalar == "true" || m_scalar == "false")) {
    return m_scalar == "true";
  }
  throw wrong(*this, what, "true or false");
}

std::uint64_t YamlNode::as_uint(std::string_view what) const {
  std::uint64_t value = 0;
  const char* const end = m_scalar.data() + m_scalar.size();
  const auto [stop, status] = std::from_chars(m_scalar.data(), end, value);
  // A leading zero means octal to some readers of YAML.
  const bool ambiguous = m_scalar.size() > 1 && m_scalar.front() == '0';
  if (!is_scalar() || m_quoted || ambiguous || status != std::errc() || stop != end) {
    throw wrong(*this, what, "a whole number");
  }
  return value;
}

std::vector<std::string> YamlNode::as_strings(std::string_view what) const {
  if (is_scalar()) {
    return {m_scalar};
  }
  if (!is_sequence()) {
    throw wrong(*this, what, "a text or a list of texts");
  }
  std::vector<std::string> texts;
  for (const YamlNode& item : m_items) {
    texts.push_back(item.as_string(fmt::format("each item of {}", what)));
  }
  return texts;
}

YamlNode YamlNode::make_scalar(std::string text, SourcePosition position) {
  YamlNode node;
  node.m_kind = Kind::scalar;
  node.m_scalar = std::move(text);
  node.m_position = std::move(position);
  return node;
}

YamlNode YamlNode::make_sequence(std::vector<YamlNode> items, SourcePosition position) {
  YamlNode node;
  node.m_kind = Kind::sequence;
  node.m_items = std::move(items);
  node.m_position = std::move(position);
  return node;
}

YamlNode YamlNode::make_mapping(std::vector<std::pair<YamlNode, YamlNode>> members, SourcePosition position) {
  YamlNode node;
  node.m_kind = Kind::mapping;
  node.m_members = std::move(members);
  node.m_position = std::move(position);
  return node;
}

std::string YamlNode::to_yaml() const {
  return Printer().print(*this);
}

bool YamlNode::same_value(const YamlNode& other) const {
  if (m_kind != other.m_kind || m_scalar != other.m_scalar || m_members.size() != other.m_members.size() ||
      !std::ranges::equal(m_items, other.m_items, [](const auto& a, const auto& b) { return a.same_value(b); })) {
    return false;
  }
  std::unordered_map<std::string_view, const YamlNode*> values;
  for (const auto& [key, value] : other.m_members) {
    values.emplace(key.m_scalar, &value);
  }
  return std::ranges::all_of(m_members, [&](const auto& member) {
    const auto found = values.find(member.first.m_scalar);
    return found != values.end() && member.second.same_value(*found->second);
  });
}

}  // namespace airlock::base
