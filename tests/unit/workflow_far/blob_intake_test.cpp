// From the medium into the store, where the medium gives up.
#include "workflow/blob_intake.hpp"

#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/thread_limit.hpp"

using namespace airlock;
using base::ErrorCode;
using workflow::StateBlob;

namespace {

constexpr std::uint64_t k_mebibyte = 1u << 20;  // bytes; the intake reads as many at once

// A file that ends where a medium stopped to answer.
std::shared_ptr<const base::Fd> readable_bytes(const std::filesystem::path& path, std::uint64_t count) {
  base::write_file_atomic(path, std::string(count, 'x'));
  return std::make_shared<const base::Fd>(base::open_for_reading(path));
}

}  // namespace

TEST_CASE("more damage than the intake has memory for is told blob by blob, and what is whole is taken") {
  const std::uint64_t readable = GENERATE(std::uint64_t{0}, k_mebibyte);  // of each damaged blob
  const base::TempDir folder;
  const auto broken = readable_bytes(folder.path() / "broken", readable);
  const auto whole = readable_bytes(folder.path() / "whole", 1000);
  const store::BlobStore store(folder.path() / "blobs");
  std::vector<StateBlob> take;
  for (int i = 0; i < 20; ++i) {
    take.push_back({base::sha256(fmt::format("{}", i)), readable + k_mebibyte});
  }
  const StateBlob good{base::sha256(std::string(1000, 'x')), 1000};
  take.push_back(good);
  const auto locate = [&](const StateBlob& blob) {
    const bool is_good = blob.sha256 == good.sha256;
    bundle::BlobLocation location;
    location.extents.push_back({is_good ? whole : broken, is_good ? "whole" : "broken", 0, blob.length});
    location.length = blob.length;
    return location;
  };
  base::SilentReporter silent;
  const auto progress = silent.task("", 0, base::ProgressUnit::bytes);
  workflow::IntakeOptions options;
  options.memory = 4 * k_mebibyte;
  const auto result = workflow::take_blobs(take, locate, store, *progress, options);
  CHECK(result.blobs == 1);
  CHECK(store.file_exists(good.sha256, good.length));
  REQUIRE(result.failures.size() == 20);
  for (std::size_t i = 0; i < result.failures.size(); ++i) {
    CHECK(result.failures[i].blob.sha256 == take[i].sha256);
    CHECK(result.failures[i].code == ErrorCode::truncated);
    CHECK(result.failures[i].file == "broken");
    CHECK(result.failures[i].message == "cannot be read: broken ends 1048576 bytes too early");
  }
}

TEST_CASE("an intake goes on with the threads that can be had, and says so where there are none") {
  const base::TempDir folder;
  const auto whole = readable_bytes(folder.path() / "whole", 1000);
  const store::BlobStore store(folder.path() / "blobs");
  std::vector<StateBlob> take;
  for (std::uint64_t length = 1; length <= 40; ++length) {
    take.push_back({base::sha256(std::string(length, 'x')), length});
  }
  const auto locate = [&](const StateBlob& blob) {
    bundle::BlobLocation location;
    location.extents.push_back({whole, "whole", 0, blob.length});
    location.length = blob.length;
    return location;
  };
  base::SilentReporter silent;
  const auto progress = silent.task("", 0, base::ProgressUnit::bytes);
  workflow::IntakeOptions options;
  options.writers = 4;
  const auto take_all = [&] { return workflow::take_blobs(take, locate, store, *progress, options); };
  SECTION("one") {
    const test::ThreadLimit limit(1);
    CHECK(take_all().blobs == take.size());
  }
  SECTION("none") {
    const test::ThreadLimit limit(0);
    const auto said = test::error_of(take_all);
    CHECK(said.code() == ErrorCode::io);
    CHECK(said.message() == "cannot start a thread that writes: Resource temporarily unavailable");
  }
}
