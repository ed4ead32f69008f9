#include "mirror/front_page.hpp"

#include "base/text.hpp"

#include "support/catch.hpp"

namespace airlock::mirror {

TEST_CASE("what stands in a page cannot become part of it", "[mirror][front_page]") {
  CHECK(base::html_escaped("<b a='1' c=\"2\">&") == "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
  CatalogSummary summary;
  summary.channels["<script>"] = {1, 2};
  const std::string page = front_page(&summary, "http://x\"><script>");
  CHECK(page.find("<script>") == std::string::npos);
}

TEST_CASE("a page needs nothing from elsewhere", "[mirror][front_page]") {
  const std::string page = front_page(nullptr, "http://mirror.example");
  CHECK(page.find("Nothing was imported yet") != std::string::npos);
  for (const char* word : {"src=", "@import", "url(", "<link", "https://"}) {
    CHECK(page.find(word) == std::string::npos);
  }
}

}  // namespace airlock::mirror
