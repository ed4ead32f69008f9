#include "workflow/blob_sources.hpp"

#include "http/client.hpp"

namespace airlock::workflow {

using ecosystem::Fetchable;

// Counts what a local copy gives.
class BlobSources::CountingFetchable : public Fetchable {
 public:
  CountingFetchable(std::shared_ptr<Fetchable> inner, std::atomic<std::uint64_t>& count)
      : m_inner(std::move(inner)), m_count(count) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    CountingSink counting(sink, m_count);
    m_inner->fetch(offset, length, counting);
  }

 private:
  // Where the copy gives way to upstream, a segment still hears that the whole comes in place of its part.
  class CountingSink : public http::PartSink {
   public:
    CountingSink(base::ByteSink& sink, std::atomic<std::uint64_t>& count) : m_sink(sink), m_count(count) {}
    void write(std::span<const std::byte> data) override {
      m_sink.write(data);
      m_count += data.size();
    }
    void on_whole() override {
      if (auto* part = dynamic_cast<http::PartSink*>(&m_sink)) {
        part->on_whole();
      }
    }

   private:
    base::ByteSink& m_sink;
    std::atomic<std::uint64_t>& m_count;
  };

  std::shared_ptr<Fetchable> m_inner;
  std::atomic<std::uint64_t>& m_count;
};

void BlobSources::add_contents(std::map<base::Digest, std::string> contents) {
  m_contents.merge(contents);
}

std::shared_ptr<Fetchable> BlobSources::upstream(const model::FileRow& row) {
  const auto make = [this](const model::FileRow& one) {
    return m_upstreams.for_ecosystem(one.ecosystem).fetchable(one);
  };
  return std::make_shared<CheckedUpstream>(row, make, m_digests);
}

std::shared_ptr<Fetchable> BlobSources::open(const model::FileRow& row) {
  if (!row.sha256) {
    return upstream(row);
  }
  if (const auto content = m_contents.find(*row.sha256); content != m_contents.end()) {
    return std::make_shared<TextFetchable>(content->second);
  }
  const auto from_upstream = [this, row] { return upstream(row); };
  if (row.length) {
    if (auto location = m_local.find(*row.sha256, *row.length)) {
      return std::make_shared<CountingFetchable>(std::make_shared<LocalFetchable>(std::move(*location), from_upstream),
                                                 m_reused);
    }
  }
  if (m_prefetch != nullptr) {
    if (auto ahead = m_prefetch->find(*row.sha256, from_upstream)) {
      return ahead;
    }
  }
  return upstream(row);
}

bool BlobSources::is_here(const model::FileRow& row) const {
  return row.sha256 && (m_contents.contains(*row.sha256) || (row.length && m_local.find(*row.sha256, *row.length)));
}

}  // namespace airlock::workflow
