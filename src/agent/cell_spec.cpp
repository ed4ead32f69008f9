#include "agent/cell_spec.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::agent {

namespace {

using base::Json;

constexpr std::string_view k_name = "a message of the job's walls";

Json pairs(const std::vector<std::pair<std::string, std::string>>& values) {
  Json list = Json::array();
  for (const auto& [first, second] : values) {
    list.push_back({first, second});
  }
  return list;
}

std::vector<std::pair<std::string, std::string>> read_pairs(const Json& list) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& each : list) {
    values.emplace_back(each.at(0).get<std::string>(), each.at(1).get<std::string>());
  }
  return values;
}

// Both ends are this program: a wrong shape is a fault of it, and the library's own words will do.
template <typename Function>
auto reading(Function&& function) {
  try {
    return function();
  } catch (const Json::exception& error) {
    throw base::Error(base::ErrorCode::malformed, std::string(k_name) + ": " + error.what());
  }
}

}  // namespace

CellSpec parse_cell_spec(std::string_view text) {
  return reading([&] {
    const Json json = base::parse_json(text, k_name);
    CellSpec spec;
    spec.mode = json.at("join").get<pid_t>() == 0 ? CellSpec::Mode::isolate : CellSpec::Mode::join;
    spec.join = json.at("join").get<pid_t>();
    spec.user_namespace = json.at("user_namespace").get<bool>();
    spec.root = json.at("root").get<std::string>();
    for (const auto& each : json.at("binds")) {
      spec.binds.push_back({each.at(0).get<std::string>(), each.at(1).get<std::string>(),
                            each.at(2).get<bool>() ? BindAccess::read_write : BindAccess::read_only});
    }
    spec.links = read_pairs(json.at("links"));
    spec.files = read_pairs(json.at("files"));
    spec.uid = json.at("uid").get<uid_t>();
    spec.gid = json.at("gid").get<gid_t>();
    spec.hostname = json.at("hostname").get<std::string>();
    for (const auto& each : json.at("loopback")) {
      spec.loopback.push_back({each.at(0).get<std::string>(), each.at(1).get<std::uint16_t>()});
    }
    spec.processes = json.at("processes").get<std::uint64_t>();
    spec.memory = json.at("memory").get<std::uint64_t>();
    return spec;
  });
}

std::string print(const CellSpec& spec) {
  Json binds = Json::array();
  for (const auto& each : spec.binds) {
    binds.push_back({each.from.string(), each.to.string(), each.access == BindAccess::read_write});
  }
  Json loopback = Json::array();
  for (const auto& each : spec.loopback) {
    loopback.push_back({each.address, each.port});
  }
  return Json{{"join", spec.join},
              {"user_namespace", spec.user_namespace},
              {"root", spec.root.string()},
              {"binds", binds},
              {"links", pairs(spec.links)},
              {"files", pairs(spec.files)},
              {"uid", spec.uid},
              {"gid", spec.gid},
              {"hostname", spec.hostname},
              {"loopback", loopback},
              {"processes", spec.processes},
              {"memory", spec.memory}}
      .dump();
}

CellCommand parse_cell_command(std::string_view text) {
  return reading([&] {
    const Json json = base::parse_json(text, k_name);
    return CellCommand{json.at("id").get<std::uint64_t>(), json.at("argv").get<std::vector<std::string>>(),
                       json.at("environment").get<std::map<std::string, std::string>>(),
                       json.at("directory").get<std::string>()};
  });
}

std::string print(const CellCommand& command) {
  return base::to_line(Json{{"id", command.id},
                            {"argv", command.argv},
                            {"environment", command.environment},
                            {"directory", command.directory}});
}

CellEvent parse_cell_event(std::string_view text) {
  return reading([&] {
    const Json json = base::parse_json(text, k_name);
    CellEvent event;
    const auto kind = json.at("kind").get<std::string>();
    event.kind = kind == "ready"   ? CellEvent::Kind::ready
                 : kind == "ended" ? CellEvent::Kind::ended
                                   : CellEvent::Kind::failed;
    event.has_v6 = json.at("has_v6").get<bool>();
    event.control = json.at("control").get<std::string>();
    event.cause = json.at("cause").get<std::string>();
    event.id = json.at("id").get<std::uint64_t>();
    event.exit_code = json.at("exit_code").get<int>();
    return event;
  });
}

std::string print(const CellEvent& event) {
  const char* const kind = event.kind == CellEvent::Kind::ready   ? "ready"
                           : event.kind == CellEvent::Kind::ended ? "ended"
                                                                  : "failed";
  return base::to_line(Json{{"kind", kind},
                            {"has_v6", event.has_v6},
                            {"control", event.control},
                            {"cause", event.cause},
                            {"id", event.id},
                            {"exit_code", event.exit_code}});
}

}  // namespace airlock::agent
