// What verification asks of a head beside what the TUF client asks of its roles: that nothing else is in it, and that
// everything is written in the one way. For the files of this folder only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

// The chain of roots in the head is whole from version 1, each signed by the one before, and it is the chain of what
// this site trusts. The client looks only at what is newer than its pin; what is older must not be a hiding place
// either.
void check_root_chain(const Head& head, const trust::Root& pinned, std::string_view pinned_bytes);

// The head's metadata files are the trusted ones and no others, and its targets exactly those that they list. A set
// without a timestamp (version 0) is that of a draft.
void check_members(const Head& head, const trust::TrustedSet& trusted);

// No root of the head is another than the one of its version that was accepted before. Throws equivocation.
void check_known_roots(const Head& head, const std::vector<std::string>& known);

// The timestamp's version is one of those that its snapshot has (docs/formats/trust.md, Roles): whoever has its key
// alone cannot leap ahead, which would make every later bundle look old. Throws untrusted.
void check_timestamp_version(const trust::TrustedSet& trusted);

// Delegations are as airlock makes them: one role an ecosystem, its own folder, terminating.
void check_delegations(const trust::TrustedSet& trusted);

// airlock.json says what is signed, and is written as airlock writes it.
void check_hint(const Head& head, const Descriptor& descriptor, const Shipment& shipment);

// A signed JSON file, or a DSSE envelope, in the one form in which airlock writes it, of at most `limit` bytes. What is
// hashed by a parent needs no such check; a timestamp, a root and a shipment have no parent. Throws tampered.
void check_own_form(std::string_view bytes, std::string_view name, std::size_t limit);

// Of a timestamp and a shipment every signature counts: a name that is no key's, or a signature that proves nothing,
// would be bytes that nobody vouches for. Throws tampered.
void check_no_idle_signature(std::string_view message, const std::vector<trust::Signature>& signatures,
                             const trust::Root& root, std::string_view name);

}  // namespace airlock::bundle
