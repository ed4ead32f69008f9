#include "bundle/listed_blobs.hpp"

#include <charconv>
#include <set>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "bundle/catalog_text.hpp"
#include "bundle/documents.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

namespace {

using base::Digest;
using StateBlob = VerifiedBundle::StateBlob;

// Found in the text of the row, without parsing the rest: a row as airlock writes it has `"length":N,"sha256":"HEX"`
// once, because a quotation mark inside a value is escaped.
std::optional<StateBlob> blob_in_row(std::string_view line) {
  constexpr std::string_view member = ",\"sha256\":\"";
  constexpr std::size_t hex_size = 64;
  const std::size_t at = line.find(member);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view hex = line.substr(at + member.size(), hex_size);
  const std::size_t colon = line.rfind(':', at);
  if (colon == std::string_view::npos || !Digest::is_sha256_hex(hex)) {
    return std::nullopt;
  }
  StateBlob blob{.sha256 = Digest::parse_sha256_hex(hex)};
  const auto [end, status] = std::from_chars(line.data() + colon + 1, line.data() + at, blob.length);
  return status == std::errc() && end == line.data() + at ? std::optional(blob) : std::nullopt;
}

}  // namespace

void for_each_listed_blob(const Head& head, const std::function<void(const StateBlob&)>& visit) {
  std::set<std::string> seen;
  std::uint64_t rows = 0;
  for (const std::string& name : head.target_names()) {
    base::throw_if_interrupted();
    const auto parsed = parse_consistent_name(name);
    if (!parsed || !seen.insert(parsed->target).second) {
      continue;  // of one plain name the first counts; a second one is refused by verification
    }
    if (is_catalog_target(parsed->target)) {
      const std::string text = head.unverified_target(parsed->target).value_or("");
      for_each_line(text, [&](std::string_view line) {
        if (++rows > k_row_limit) {
          throw base::Error(base::ErrorCode::limit, fmt::format("the head lists more than {} rows", k_row_limit));
        }
        if (const auto blob = blob_in_row(line)) {
          visit(*blob);
        }
      });
    } else if (parsed->target == k_attachments_target) {
      try {
        for (const Attachment& attachment :
             parse_attachments(head.unverified_target(parsed->target).value_or(""), name)) {
          visit({.sha256 = attachment.sha256, .length = attachment.length});
        }
      } catch (const base::Error&) {
        continue;  // verification says what is wrong with it
      }
    }
  }
}

}  // namespace airlock::bundle
