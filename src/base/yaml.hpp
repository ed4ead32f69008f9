// YAML (and JSON, its subset) with the position of every node, so that each mistake can be named by line and column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace airlock::base {

// A value tree. Anchors, merge keys and custom tags are refused; a mapping with a key twice is refused.
class YamlNode {
 public:
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind() const { return m_kind; }
  bool is_null() const { return m_kind == Kind::null; }
  bool is_scalar() const { return m_kind == Kind::scalar; }
  bool is_sequence() const { return m_kind == Kind::sequence; }
  bool is_mapping() const { return m_kind == Kind::mapping; }
  const SourcePosition& position() const { return m_position; }

  const std::string& scalar() const { return m_scalar; }                                   // valid for scalar
  bool quoted() const { return m_quoted; }                                                 // the scalar stood in quotes
  const std::vector<YamlNode>& items() const { return m_items; }                           // of a sequence
  const std::vector<std::pair<YamlNode, YamlNode>>& members() const { return m_members; }  // of a mapping, in order
  const YamlNode* find(std::string_view key) const;  // of a mapping; nullptr when absent

  // Typed reading; `what` names the thing in the error, which has code manifest and this node's position.
  std::string as_string(std::string_view what) const;
  bool as_bool(std::string_view what) const;
  std::uint64_t as_uint(std::string_view what) const;
  std::vector<std::string> as_strings(std::string_view what) const;  // a scalar counts as a list of one

  // For trees that are made, not read.
  static YamlNode make_scalar(std::string text, SourcePosition position = {});
  static YamlNode make_sequence(std::vector<YamlNode> items, SourcePosition position = {});
  static YamlNode make_mapping(std::vector<std::pair<YamlNode, YamlNode>> members, SourcePosition position = {});

  // YAML text that parses to an equal tree.
  std::string to_yaml() const;
  bool same_value(const YamlNode& other) const;  // positions and order of members aside

 private:
  friend class YamlReader;
  Kind m_kind = Kind::null;
  SourcePosition m_position;
  std::string m_scalar;
  bool m_quoted = false;
  std::vector<YamlNode> m_items;
  std::vector<std::pair<YamlNode, YamlNode>> m_members;
};

// Limits: 16 MiB, depth 32, one document. `file` stands in positions. Throws manifest with a position.
YamlNode parse_yaml(std::string_view text, std::string file);
YamlNode read_yaml_file(const std::filesystem::path& path);

}  // namespace airlock::base
