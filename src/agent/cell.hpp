// A job's walls, held from outside: namespaces of its own, a file tree of its own, and a network that ends in the
// agent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/cell_spec.hpp"
#include "agent/cgroup.hpp"
#include "agent/job_network.hpp"

namespace airlock::agent {

// How the process around a job is started: this very program, with the channel as descriptor 3.
struct CellProgram {
  std::vector<std::string> argv;
  static CellProgram own();  // `/proc/self/exe agent cell`
};

class Cell {
 public:
  // `cgroup` may be null. Throws unsupported, naming the control that the kernel lacks.
  Cell(const CellProgram& program, const CellSpec& spec, const Cgroup* cgroup);
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  ~Cell();  // kills everything inside, and waits for it

  JobNetwork take_network() { return std::move(m_network); }
  base::Fd take_proc() { return std::move(m_proc); }  // none with CellSpec::Mode::join

  // Runs one command and hands on what it writes; returns its exit code (128 + signal where one ended it, also when the
  // whole cell was killed meanwhile). A process that it left behind goes on, unheard.
  int run(const CellCommand& command, const std::function<void(std::string_view)>& output);
  void signal(int number);  // to the process group of what runs; thread-safe
  void kill();              // all processes of the job, at once; thread-safe

 private:
  base::Fd m_channel;
  pid_t m_process = -1;
  JobNetwork m_network;
  base::Fd m_proc;
};

}  // namespace airlock::agent
