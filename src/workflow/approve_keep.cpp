#include "workflow/approve_keep.hpp"

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/named_keys.hpp"
#include "workflow/readback.hpp"
#include "workflow/transfer_form.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_sums_limit = 16u << 20;  // bytes
constexpr std::size_t k_hex_digits = 64;         // of a SHA-256

Error in_the_way(const fs::path& path, std::string_view why) {
  return Error(ErrorCode::conflict, fmt::format("{} is there already and is kept: {}", path.string(), why))
      .with_hint("name another file with -o");
}

}  // namespace

void refresh_set(const fs::path& head, const Home& home, base::Time now, base::Reporter& reporter) {
  const auto beside = [&](std::string_view extension) { return fs::path(head).replace_extension(extension); };
  base::remove_leftovers(head.has_parent_path() ? head.parent_path() : fs::path("."));
  std::error_code ignored;
  if (fs::exists(beside(".txt"), ignored) && fs::exists(beside(".html"), ignored)) {
    const bundle::Head current = bundle::Head::read(head);
    const auto before = ChannelState(home, current.hint().channel).last_before(current.hint().serial);
    const TransferForm form = make_transfer_form(current, before, known_names(home), now);
    base::write_file_atomic(beside(".txt"), form.text);
    base::write_file_atomic(beside(".html"), form.html);
  }
  auto sums = base::read_file_if_exists(beside(".sha256"), k_sums_limit);
  if (!sums) {
    return;
  }
  for (const fs::path& file : {head, beside(".txt"), beside(".html")}) {
    const std::string line_end = "  " + file.filename().string() + "\n";
    const std::size_t end = sums->find(line_end);
    if (end != std::string::npos && end >= k_hex_digits) {
      sums->replace(end - k_hex_digits, k_hex_digits, hash_files({file}, Cache::use, reporter).front().sha256.hex());
    }
  }
  base::write_file_atomic(beside(".sha256"), *sums);
}

fs::path approval_file(const Draft& draft, const ApprovalOutput& output) {
  const bundle::Descriptor& descriptor = draft.proof.descriptor;
  return output.file.empty()
             ? default_approval_file(descriptor.channel, descriptor.serial, draft.contents.hint.shipment)
             : output.file;
}

void write_approvals(const fs::path& path, bundle::Approval approval, const Draft& draft, ApprovalOutput::Form form) {
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    try {
      const bundle::Approval before = bundle::read_approval(path);
      if (before == approval) {
        return;
      }
      if (before.seal || form == ApprovalOutput::Form::this_alone) {
        throw in_the_way(path, before.seal ? "it is sealed" : "it holds other approvals");
      }
      bundle::HeadSnapshot merged = draft.snapshot;
      bundle::merge_approval(merged, before, draft.root());
      if (!approval.seal) {
        approval = bundle::approvals_in(merged, draft.root(), approval.serial);
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::conflict) {
        throw;
      }
      throw in_the_way(path, error.message());
    }
  }
  base::write_file_atomic(path, bundle::to_text(approval));
}

fs::path keep(const Home& home, const Draft& draft, const ApprovalOutput& output,
              const std::optional<bundle::Approval::Seal>& seal, base::Time now, base::Reporter& reporter) {
  ChannelState(home, draft.contents.hint.channel).update_state(draft.contents);
  if (output.file.empty() && can_store_head(draft)) {
    store_head(draft);
    refresh_set(draft.head.file(), home, now, reporter);
    return draft.head.file();
  }
  bundle::Approval approval = bundle::approvals_in(draft.snapshot, draft.root(), draft.proof.descriptor.serial);
  approval.seal = seal;
  const fs::path path = approval_file(draft, output);
  if (output.file.empty()) {
    reporter.say(fmt::format("{} cannot be written; what belongs to it goes into {}", draft.head.file().string(),
                             path.string()));
  }
  write_approvals(path, std::move(approval), draft, output.form);
  return path;
}

}  // namespace airlock::workflow
