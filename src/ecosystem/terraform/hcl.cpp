#include "ecosystem/terraform/hcl.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/terraform/hcl_tokens.hpp"

namespace airlock::ecosystem::terraform {

using base::Error;
using base::ErrorCode;
using base::SourcePosition;

namespace {

constexpr int k_depth_limit = 64;

const HclValue* find_in(const std::vector<HclAttribute>& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &HclAttribute::name);
  return found == attributes.end() ? nullptr : &found->value;
}

class HclParser {
 public:
  HclParser(std::string_view text, const std::string& file) : m_file(file), m_tokens(hcl_tokens(text, file)) {}

  HclBlock run() {
    HclBlock root;
    root.position = position();
    read_body(root, 0);
    if (!at_end()) {
      fail("'}' without a block");
    }
    return root;
  }

 private:
  const HclToken& token() const { return m_tokens[m_at]; }
  bool at_end() const { return token().kind == HclToken::Kind::end; }
  bool at_newline() const { return token().kind == HclToken::Kind::newline; }
  bool at_symbol(char c) const { return token().kind == HclToken::Kind::symbol && token().text[0] == c; }
  void step() { m_at += at_end() ? 0U : 1U; }
  void skip_newlines() {
    while (at_newline()) {
      step();
    }
  }
  SourcePosition position() const { return {.file = m_file, .line = token().line, .column = token().column}; }
  [[noreturn]] void fail(const std::string& why) const { throw Error(ErrorCode::manifest, why).at(position()); }
  void check_depth(int depth) const {
    if (depth > k_depth_limit) {
      throw Error(ErrorCode::limit, "nested too deeply").at(position());
    }
  }

  // Up to the "}" that ends it, which stays, or to the end.
  void read_body(HclBlock& block, int depth) {
    check_depth(depth);
    while (true) {
      skip_newlines();
      if (at_end() || at_symbol('}')) {
        return;
      }
      if (token().kind != HclToken::Kind::identifier) {
        fail("here a block or an attribute must begin");
      }
      const std::string name = token().text;
      const SourcePosition where = position();
      step();
      if (at_symbol('=')) {
        step();
        block.attributes.push_back({name, read_value(depth + 1)});
      } else {
        block.blocks.push_back(read_block(name, where, depth + 1));
      }
    }
  }

  HclBlock read_block(const std::string& type, const SourcePosition& where, int depth) {
    HclBlock block;
    block.type = type;
    block.position = where;
    while (token().kind == HclToken::Kind::string || token().kind == HclToken::Kind::identifier) {
      block.labels.push_back(token().text);
      step();
    }
    if (!at_symbol('{')) {
      fail(fmt::format("'{}' is neither an attribute nor a block", base::printable(type, 80)));
    }
    step();
    read_body(block, depth);
    if (!at_symbol('}')) {
      fail(fmt::format("the block '{}' that begins in line {} has no end", base::printable(type, 80), where.line));
    }
    step();
    return block;
  }

  // A literal, or anything else up to the end of the expression.
  HclValue read_value(int depth) {
    check_depth(depth);
    HclValue value;
    value.position = position();
    const std::size_t begin = m_at;
    if (token().kind == HclToken::Kind::string) {
      value.kind = HclValue::Kind::string;
      value.text = token().text;
      step();
    } else if (at_symbol('[') && read_list(value, depth)) {
      value.kind = HclValue::Kind::list;
    } else if (at_symbol('{') && read_object(value, depth)) {
      value.kind = HclValue::Kind::object;
    }
    if (value.kind == HclValue::Kind::other || !at_end_of_value()) {
      HclValue other;
      other.position = value.position;
      m_at = begin;
      other.text = token().kind == HclToken::Kind::identifier ? token().text : "";
      skip_expression();
      return other;
    }
    return value;
  }

  bool at_end_of_value() const {
    return at_end() || at_newline() || at_symbol(',') || at_symbol('}') || at_symbol(']') || at_symbol(')');
  }

  bool read_list(HclValue& value, int depth) {
    step();
    while (true) {
      skip_newlines();
      if (at_symbol(']')) {
        step();
        return true;
      }
      if (at_end() || token().text == "for") {
        return false;
      }
      const std::size_t before = m_at;
      value.items.push_back(read_value(depth + 1));
      skip_newlines();
      if (at_symbol(',')) {
        step();
      } else if (!at_symbol(']')) {
        return false;
      }
      if (m_at == before) {
        return false;
      }
    }
  }

  bool read_object(HclValue& value, int depth) {
    step();
    while (true) {
      skip_newlines();
      if (at_symbol('}')) {
        step();
        return true;
      }
      const bool is_name = token().kind == HclToken::Kind::identifier || token().kind == HclToken::Kind::string;
      if (!is_name || token().text == "for") {
        return false;
      }
      const std::string name = token().text;
      step();
      if (!at_symbol('=') && !at_symbol(':')) {
        return false;
      }
      step();
      value.members.push_back({name, read_value(depth + 1)});
      if (at_symbol(',')) {
        step();
      } else if (!at_newline() && !at_symbol('}')) {
        return false;
      }
    }
  }

  // To the end of an expression: a line's end, a "," or a closing bracket that is not its own.
  void skip_expression() {
    std::string open;
    while (!at_end()) {
      if (token().kind == HclToken::Kind::symbol) {
        const char c = token().text[0];
        if (c == '(' || c == '[' || c == '{') {
          open += c == '(' ? ')' : c == '[' ? ']' : '}';
        } else if (c == ')' || c == ']' || c == '}') {
          if (open.empty()) {
            return;
          }
          if (open.back() != c) {
            fail(fmt::format("'{}' where a '{}' must be", c, open.back()));
          }
          open.pop_back();
        } else if (c == ',' && open.empty()) {
          return;
        }
      } else if (at_newline() && open.empty()) {
        return;
      }
      step();
    }
    if (!open.empty()) {
      fail(fmt::format("the file ends before a '{}'", open.back()));
    }
  }

  const std::string& m_file;
  std::vector<HclToken> m_tokens;
  std::size_t m_at = 0;
};

}  // namespace

const HclValue* HclValue::find(std::string_view key) const {
  return find_in(members, key);
}

const HclValue* HclBlock::find(std::string_view attribute) const {
  return find_in(attributes, attribute);
}

HclBlock parse_hcl(std::string_view text, const std::string& file) {
  return HclParser(text, file).run();
}

}  // namespace airlock::ecosystem::terraform
