// Version constraints as OpenTofu and Terraform read them for providers: "~> 3.2, != 3.2.1". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/version.hpp"

namespace airlock::ecosystem::terraform {

class Constraint {
 public:
  // Terms separated by commas, each with =, !=, >, >=, <, <=, ~> or nothing (which is =) before one to three numbers
  // and perhaps a pre-release; "" allows everything. nullopt for anything else.
  static std::optional<Constraint> parse(std::string_view text);
  static Constraint exactly(const std::string& version);

  // A pre-release is allowed only by a term that names just that one with =.
  bool allows(const model::Version& version) const;
  const std::string& text() const { return m_text; }  // as given; empty: everything

 private:
  enum class Operator { equal, not_equal, above, at_least, below, at_most, pessimistic };
  struct Term {
    Operator op = Operator::equal;
    model::Version bound;
    std::optional<model::Version> ceiling;  // of ~>: the first version that is too new
    bool allows(const model::Version& version) const;
  };
  static std::optional<Term> parse_term(std::string_view text);
  std::string m_text;
  std::vector<Term> m_terms;
};

// The newest of `versions` that all of `constraints` allow; nullopt when there is none.
std::optional<model::Version> newest_allowed(const std::vector<model::Version>& versions,
                                             const std::vector<Constraint>& constraints);

}  // namespace airlock::ecosystem::terraform
