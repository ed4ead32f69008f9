// Bytes that the agent itself brings to a job: its source, and tools of the mirror.
#pragma once

#include "agent/job.hpp"
#include "agent/job_directory.hpp"

namespace airlock::agent {

// The archive of an upload or of the mirror into the job's folder; returns its path inside the job. Throws tampered
// when the bytes are not those that the deployment names.
std::string fetch_source(const JobContext& context, const control::Claim& claim, const JobDirectory& directory);

// Each tool that is configured and not here yet, once for all jobs: proved by digest, unpacked below
// `config.directory`/tools, its programs linked in tools/bin. Throws tampered, and as http::Client::download does.
void fetch_tools(const AgentConfig& config, http::Client& http);

}  // namespace airlock::agent
