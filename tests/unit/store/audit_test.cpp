#include "base/error.hpp"
#include "base/files.hpp"
#include "store/state_db.hpp"
#include "support/catch.hpp"

namespace airlock::store {

namespace {

std::vector<AuditEntry> three_entries() {
  const base::TempDir folder;
  StateDb state(folder.path(), StateDb::Access::change);
  state.audit(base::Time(std::chrono::seconds(1)), "trust-init", R"({"fingerprint":"ab"})");
  state.audit(base::Time(std::chrono::seconds(2)), "import", R"({"serial":1})");
  state.audit(base::Time(std::chrono::seconds(2)), "activate", "{}");
  return state.audit_entries();
}

}  // namespace

TEST_CASE("audit entries form an unbroken chain", "[store][audit]") {
  const auto entries = three_entries();
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].number == 1);
  CHECK(entries[0].previous.empty());
  CHECK(entries[1].previous == entries[0].digest);
  CHECK(entries[2].previous == entries[1].digest);
  CHECK(entries[1].action == "import");
  CHECK_FALSE(entries[1].user.empty());
  CHECK(check_audit(entries).empty());
  CHECK(check_audit({}).empty());
}

TEST_CASE("a home has an id of its own from its first entry on", "[store][audit]") {
  const base::TempDir folder;
  const base::TempDir other;
  std::string id;
  {
    StateDb state(folder.path(), StateDb::Access::change);
    CHECK(state.home_id() == std::nullopt);
    state.audit(base::Time(std::chrono::seconds(1)), "trust-init", "{}");
    REQUIRE(state.home_id());
    id = *state.home_id();
    CHECK(id.size() == 32);
    state.audit(base::Time(std::chrono::seconds(2)), "import", "{}");
    CHECK(state.home_id() == id);
  }
  CHECK(StateDb(folder.path(), StateDb::Access::read).home_id() == id);
  StateDb state(other.path(), StateDb::Access::change);
  state.audit(base::Time(std::chrono::seconds(1)), "trust-init", "{}");
  CHECK(state.home_id() != id);
}

TEST_CASE("every change of the log is found", "[store][audit]") {
  auto entries = three_entries();
  const auto findings = [&] {
    const auto found = check_audit(entries);
    for (const base::Finding& finding : found) {
      CHECK(finding.code == base::ErrorCode::tampered);
    }
    return found.size();
  };
  SECTION("a changed action") {
    entries[1].action = "rollback";
    CHECK(findings() == 1);
  }
  SECTION("a changed detail") {
    entries[0].detail = "{}";
    CHECK(findings() == 1);
  }
  SECTION("a changed user, time or number") {
    entries[0].user += "x";
    entries[1].time += std::chrono::seconds(1);
    CHECK(findings() == 2);
  }
  SECTION("a changed entry with its digest made to fit") {
    entries[1].action = "rollback";
    entries[1].digest = audit_digest(entries[1]);
    CHECK(findings() == 1);  // the next one does not follow any more
  }
  SECTION("an entry taken out") {
    entries.erase(entries.begin() + 1);
    CHECK(findings() == 1);
  }
  SECTION("the first entries taken out") {
    entries.erase(entries.begin());
    CHECK(findings() == 1);
  }
  SECTION("two entries exchanged") {
    std::swap(entries[0], entries[1]);
    CHECK(findings() >= 2);
  }
}

TEST_CASE("fields cannot run into each other", "[store][audit]") {
  AuditEntry one{.number = 1, .time = {}, .action = "a", .user = "bc", .detail = "", .previous = "", .digest = ""};
  AuditEntry other = one;
  other.action = "ab";
  other.user = "c";
  CHECK(audit_digest(one) != audit_digest(other));
}

TEST_CASE("what was written down elsewhere shows a tail that was cut off", "[store][audit]") {
  auto entries = three_entries();
  const std::vector<AuditMark> marks = {{3, entries[2].digest, "a receipt"},
                                        {2, entries[1].digest.substr(0, 16), "paper"}};
  CHECK(check_audit_marks(entries, marks).empty());
  CHECK(check_audit_marks(entries, {{0, "", "a receipt of before the log"}}).empty());
  SECTION("cut off") {
    entries.pop_back();
  }
  SECTION("written anew") {
    entries[2].digest = std::string(64, '0');
  }
  const auto findings = check_audit_marks(entries, marks);
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().severity == base::Severity::error);
  CHECK(findings.front().code == base::ErrorCode::tampered);
}

TEST_CASE("a restore accounts for what it names as lost, and for nothing else", "[store][audit]") {
  const base::TempDir folder;
  StateDb state(folder.path(), StateDb::Access::change);
  state.audit(base::Time(std::chrono::seconds(1)), "import", "{}");
  state.audit(base::Time(std::chrono::seconds(2)), "restore", R"({"lost":5})");
  const auto entries = state.audit_entries();
  const auto severity = [&](std::uint64_t number) {
    const auto findings = check_audit_marks(entries, {{number, std::string(64, 'f'), "a receipt"}});
    REQUIRE(findings.size() == 1);
    return findings.front().severity;
  };
  CHECK(severity(1) == base::Severity::error);  // before the restore: changed
  CHECK(severity(2) == base::Severity::warning);
  CHECK(severity(5) == base::Severity::warning);
  CHECK(severity(6) == base::Severity::error);
}

}  // namespace airlock::store
