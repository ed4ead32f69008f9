// A reader of HCL's native syntax for blocks and literal values; expressions are passed over. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace airlock::ecosystem::terraform {

struct HclAttribute;

struct HclValue {
  enum class Kind { string, list, object, other };
  Kind kind = Kind::other;
  std::string text;                   // of a string; of others the identifier that they begin with, "aws" for aws.west
  std::vector<HclValue> items;        // of a list
  std::vector<HclAttribute> members;  // of an object, in order
  base::SourcePosition position;

  const HclValue* find(std::string_view key) const;  // of an object; nullptr when absent
};

struct HclAttribute {
  std::string name;
  HclValue value;
};

struct HclBlock {
  std::string type;
  std::vector<std::string> labels;
  std::vector<HclAttribute> attributes;
  std::vector<HclBlock> blocks;
  base::SourcePosition position;

  const HclValue* find(std::string_view attribute) const;
};

// The whole file as a block without a type. Throws manifest with a position; limit beyond a depth of 64.
HclBlock parse_hcl(std::string_view text, const std::string& file);

}  // namespace airlock::ecosystem::terraform
