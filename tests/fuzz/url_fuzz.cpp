// What parses must print, and parse again to the same URL; what a page refers to must do so too.
#include "base/error.hpp"
#include "base/url.hpp"
#include "fuzz_target.hpp"

using namespace airlock::base;

namespace {

void check(const Url& url) {
  const Url again = Url::parse(url.to_string());
  airlock::fuzz::require(again.to_string() == url.to_string(), "a URL prints and parses to itself");
  airlock::fuzz::require(again.origin() == url.origin(), "printing keeps the origin");
  airlock::fuzz::require(again.user_info().empty(), "printing leaves out user info");
  static_cast<void>(url.redacted());
}

template <typename Function>
void try_it(Function&& function) {
  Url url;
  try {
    url = function();
  } catch (const Error&) {
    return;
  }
  check(url);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = airlock::fuzz::as_text(data, size);
  const Url base = Url::parse("https://user@base.example:8443/a/b/c?q");
  try_it([&] { return Url::parse(text); });
  try_it([&] { return base.resolve(text); });
  try {
    airlock::fuzz::require(percent_decode(percent_encode(percent_decode(text))) == percent_decode(text),
                           "percent encoding goes both ways");
  } catch (const Error&) {
  }
  return 0;
}
