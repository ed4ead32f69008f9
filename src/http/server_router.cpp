#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "http/server.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

// How a pattern's piece takes a segment; the order is the precedence.
enum class Piece { literal, one, many };

Piece piece_of(std::string_view pattern) {
  if (!pattern.starts_with('{')) {
    return Piece::literal;
  }
  return pattern.ends_with("+}") ? Piece::many : Piece::one;
}

std::string parameter_name(std::string_view pattern) {
  const std::size_t closing = piece_of(pattern) == Piece::many ? 2 : 1;
  return std::string(pattern.substr(1, pattern.size() - 1 - closing));
}

struct PatternMatch {
  std::vector<Piece> pieces;  // one for each segment of the path
  std::map<std::string, std::string> parameters;
};

std::optional<PatternMatch> match_pattern(const std::vector<std::string>& pattern,
                                          const std::vector<std::string>& segments) {
  const bool has_many = std::ranges::any_of(pattern, [](const auto& p) { return piece_of(p) == Piece::many; });
  if (has_many ? segments.size() < pattern.size() : segments.size() != pattern.size()) {
    return std::nullopt;
  }
  const std::size_t surplus = segments.size() - pattern.size();  // what {x+} takes beyond one
  PatternMatch match;
  match.pieces.reserve(segments.size());
  std::size_t at = 0;
  for (const std::string& element : pattern) {
    const Piece piece = piece_of(element);
    const std::size_t count = piece == Piece::many ? surplus + 1 : 1;
    if (piece == Piece::literal) {
      if (segments[at] != element) {
        return std::nullopt;
      }
    } else {
      std::string value;
      for (std::size_t i = at; i < at + count; ++i) {
        // An encoded "/" inside {x+} would look like the border of two segments.
        if (segments[i].empty() || (piece == Piece::many && segments[i].find('/') != std::string::npos)) {
          return std::nullopt;
        }
        value += i == at ? segments[i] : "/" + segments[i];
      }
      match.parameters.emplace(parameter_name(element), std::move(value));
    }
    match.pieces.insert(match.pieces.end(), count, piece);
    at += count;
  }
  return match;
}

std::vector<std::string> split_pattern(const std::string& pattern) {
  if (!pattern.starts_with('/')) {
    throw Error(ErrorCode::internal, "route pattern '" + pattern + "' does not begin with '/'");
  }
  auto pieces = base::split(std::string_view(pattern).substr(1), '/');
  std::vector<std::string> names;
  int many = 0;
  for (const std::string& piece : pieces) {
    const bool braces = piece.find_first_of("{}") != std::string::npos;
    const bool parameter = piece.size() > 2 && piece.front() == '{' && piece.back() == '}' &&
                           piece.find_first_of("{}", 1) == piece.size() - 1 && piece != "{+}";
    if (braces && !parameter) {
      throw Error(ErrorCode::internal, "route pattern '" + pattern + "' has a bad parameter");
    }
    if (parameter) {
      many += piece_of(piece) == Piece::many ? 1 : 0;
      names.push_back(parameter_name(piece));
    }
  }
  std::ranges::sort(names);
  if (many > 1 || std::ranges::adjacent_find(names) != names.end()) {
    throw Error(ErrorCode::internal, "route pattern '" + pattern + "' has {x+}, or a name, twice");
  }
  return pieces;
}

}  // namespace

std::optional<std::string> ServerRequest::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
  auto pieces = split_pattern(pattern);
  const bool known = std::ranges::any_of(
      m_routes, [&](const Route& route) { return route.method == method && route.pattern == pieces; });
  if (known) {
    throw Error(ErrorCode::internal, "route '" + method + " " + pattern + "' is there twice");
  }
  m_routes.push_back({std::move(method), std::move(pieces), std::move(handler), options});
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& segments) const {
  const auto search = [&](std::string_view wanted) {
    Match best;
    std::vector<Piece> best_pieces;
    for (const Route& route : m_routes) {
      if (route.method != wanted) {
        continue;
      }
      auto match = match_pattern(route.pattern, segments);
      if (match && (best.handler == nullptr || match->pieces < best_pieces)) {
        best_pieces = std::move(match->pieces);
        best = {&route.handler, route.options, std::move(match->parameters), {}};
      }
    }
    return best;
  };
  Match best = search(method);
  if (best.handler == nullptr && method == "HEAD") {
    best = search("GET");
  }
  if (best.handler != nullptr) {
    return best;
  }
  for (const Route& route : m_routes) {
    if (match_pattern(route.pattern, segments)) {
      best.allowed.push_back(route.method);
      if (route.method == "GET") {
        best.allowed.push_back("HEAD");
      }
    }
  }
  std::ranges::sort(best.allowed);
  best.allowed.erase(std::unique(best.allowed.begin(), best.allowed.end()), best.allowed.end());
  return best;
}

std::vector<std::string> Router::patterns() const {
  std::vector<std::string> lines;
  for (const Route& route : m_routes) {
    lines.push_back(route.method + " /" + base::join(route.pattern, "/"));
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace airlock::http
