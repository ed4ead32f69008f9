// Names asked of the host's resolver. That can take many seconds and cannot be broken off, so nobody waits for it: the
// thread that asks owns all that it touches, and its answer is dropped where the asker is gone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.hpp"

namespace airlock::agent {

// What the host's resolver knows of `name`, addresses of IPv4 as such; nothing where it knows none, or fails.
std::vector<base::IpAddress> resolve_unmapped(const std::string& name);

class NameLookup {
 public:
  using Resolve = std::function<std::vector<base::IpAddress>(const std::string& name)>;
  using Answer = std::function<void(const std::vector<base::IpAddress>& addresses)>;

  // At most `most` names at one time; all objects of the process together have a limit of their own, as the threads of
  // one that is gone may still be there. `resolve` must not throw, and may outlive this.
  explicit NameLookup(std::size_t most, Resolve resolve = resolve_unmapped);
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  ~NameLookup();  // waits for an answer that is being given, for no resolver

  // `answer` is called on another thread, one call at a time, and never after this is gone; it must not throw or call
  // back. False where too many names are asked for already, or no thread can be had.
  bool start(const std::string& name, Answer answer);

 private:
  struct Shared;
  std::shared_ptr<Shared> m_shared;
  std::size_t m_most;
};

}  // namespace airlock::agent
