// The one exception type, its codes, and what each code means to a person and to a script.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace airlock::base {

// Every failure that a user can meet. `error_code_info` gives each its name in `--json`, its exit code
// (docs/operations/exit-codes.md) and the text of `airlock explain CODE`.
enum class ErrorCode {
  // exit 1: failed
  internal,
  io,
  network,
  auth,
  upstream,
  not_found,
  malformed,
  limit,
  unsupported,
  scan_failed,
  // exit 2: usage or configuration
  usage,
  config,
  manifest,
  lock,
  conflict,
  // exit 3: refused; call security
  untrusted,
  tampered,
  equivocation,
  revoked,
  foreign,
  policy,
  scan_refused,
  // exit 4: incomplete; fix it and run the same command again
  volume_missing,
  truncated,
  base_missing,
  approval_missing,
  no_space,
  busy,
  // exit 5: stale; call the operator
  rollback,
  expired,
  clock,
  // exit 130
  interrupted,
};

struct ErrorCodeInfo {
  ErrorCode code;
  std::string_view name;     // kebab-case, as in `--json`
  int exit_code;             // 1 to 5, or 130
  std::string_view meaning;  // one or two sentences: what happened and what to do
};

const ErrorCodeInfo& error_code_info(ErrorCode code);
std::optional<ErrorCodeInfo> find_error_code(std::string_view name);
const std::vector<ErrorCodeInfo>& all_error_codes();

// Where input was parsed. Lines and columns count from 1; 0 means unknown.
struct SourcePosition {
  std::string file;
  int line = 0;
  int column = 0;

  std::string to_string() const;  // "file:line:column", parts that are unknown left out
  bool operator==(const SourcePosition&) const = default;
};

// A message names the object and the cause, in lower case, without a full stop.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message) : std::runtime_error(std::move(message)), m_code(code) {}

  ErrorCode code() const { return m_code; }
  std::string message() const { return what(); }
  const std::vector<std::string>& context() const { return m_context; }  // innermost first
  const std::string& hint() const { return m_hint; }
  const std::optional<SourcePosition>& position() const { return m_position; }

  // Each adds and returns the error itself, so that it can be thrown in one expression:
  // `throw Error(ErrorCode::io, "…").with_hint("…");`
  Error& with_context(std::string line) & {
    m_context.push_back(std::move(line));
    return *this;
  }
  Error&& with_context(std::string line) && {
    m_context.push_back(std::move(line));
    return std::move(*this);
  }
  Error& with_hint(std::string hint) & {
    m_hint = std::move(hint);
    return *this;
  }
  Error&& with_hint(std::string hint) && {
    m_hint = std::move(hint);
    return std::move(*this);
  }
  Error& at(SourcePosition position) & {
    m_position = std::move(position);
    return *this;
  }
  Error&& at(SourcePosition position) && {
    m_position = std::move(position);
    return std::move(*this);
  }

 private:
  ErrorCode m_code;
  std::vector<std::string> m_context;
  std::string m_hint;
  std::optional<SourcePosition> m_position;
};

// io error with the text of `errno_value`; ENOSPC and EDQUOT become no_space.
Error system_error(int errno_value, std::string message);

// Runs `function`; an Error that leaves it gets the line that `describe()` returns ("while …" is added in print).
template <typename Function, typename Describe>
decltype(auto) with_context(Describe&& describe, Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (Error& error) {
    error.with_context(std::forward<Describe>(describe)());
    throw;
  }
}

// One thing that an examination found. Findings are data: an examination reports all of them and throws none.
enum class Severity { note, warning, error };

struct Finding {
  Severity severity = Severity::error;
  ErrorCode code = ErrorCode::internal;
  std::string subject;  // the file, blob or role, printable
  std::string message;
};

}  // namespace airlock::base
