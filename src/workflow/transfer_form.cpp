#include "workflow/transfer_form.hpp"

#include "bundle/inspection.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

TransferForm make_transfer_form(const bundle::Head& head, const std::optional<bundle::Head>& before,
                                const std::map<std::string, std::string>& names, base::Time now) {
  bundle::Inspection inspection = bundle::inspect(head, now, ecosystem::belongs);
  inspection.names = names;
  std::optional<bundle::InspectionDiff> diff;
  if (before) {
    diff = bundle::compare(bundle::inspect(*before, now, ecosystem::belongs), inspection);
  }
  const bundle::InspectionDiff* changes = diff ? &*diff : nullptr;
  return {.text = bundle::render_text(inspection, changes, bundle::Detail::artifacts),
          .html = bundle::render_html(inspection, changes)};
}

}  // namespace airlock::workflow
