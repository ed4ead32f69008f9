#include "bundle/blob_lengths.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "bundle/catalog_text.hpp"

namespace airlock::bundle {

namespace {

void read_catalog(std::string_view text, const std::set<base::Digest>& wanted,
                  std::map<base::Digest, std::uint64_t>& lengths) {
  for_each_line(text, [&](std::string_view line) {
    // Rows are parsed only where the digest is one that is asked for; a large catalog has few of them.
    constexpr std::string_view member = "\"sha256\":\"";
    const std::size_t at = line.find(member);
    const std::string_view hex = at == std::string_view::npos ? "" : line.substr(at + member.size(), 64);
    if (!base::Digest::is_sha256_hex(hex) || !wanted.contains(base::Digest::parse_sha256_hex(hex))) {
      return;
    }
    const model::FileRow row = model::parse_row(line, model::RowForm::catalog, "", "a catalog");
    lengths[*row.sha256] = *row.length;
  });
}

}  // namespace

std::map<base::Digest, std::uint64_t> unverified_blob_lengths(const Head& head, const std::set<base::Digest>& wanted) {
  std::map<base::Digest, std::uint64_t> lengths;
  std::set<std::string> seen;
  for (const std::string& name : head.target_names()) {
    base::throw_if_interrupted();
    const auto parsed = parse_consistent_name(name);
    if (!parsed || !seen.insert(parsed->target).second) {
      continue;  // of one plain name the first counts; a second one is refused by verification
    }
    try {
      if (parsed->target == k_attachments_target) {
        for (const Attachment& attachment :
             parse_attachments(head.unverified_target(parsed->target).value_or(""), name)) {
          lengths[attachment.sha256] = attachment.length;
        }
      } else if (is_catalog_target(parsed->target)) {
        read_catalog(head.unverified_target(parsed->target).value_or(""), wanted, lengths);
      }
    } catch (const base::Error&) {
      continue;  // verification says what is wrong with it
    }
  }
  return lengths;
}

}  // namespace airlock::bundle
