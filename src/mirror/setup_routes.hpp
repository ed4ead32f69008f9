// `/setup/`: what real clients need to use only this mirror, for hosts without airlock.
#pragma once

#include <filesystem>

#include "http/server.hpp"

namespace airlock::mirror {

// `ca_certificate`: PEM that clients must trust, handed out as /setup/ca.pem; empty where the server's
// certificate is one that they trust already, or there is none.
void mount_setup(http::Router& router, const std::filesystem::path& ca_certificate);

}  // namespace airlock::mirror
