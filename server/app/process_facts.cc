#include "app/process_facts.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace quorate::app {

api::ProcessFacts ReadProcessFacts() {
  api::ProcessFacts facts;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  facts.resident_bytes = resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (DIR* const directory = opendir("/proc/self/fd")) {
    while (readdir(directory) != nullptr) ++facts.open_files;
    closedir(directory);
    facts.open_files -= facts.open_files >= 3 ? 3 : 0;  // ".", ".." and the directory itself
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  facts.open_files_max = limit.rlim_cur;
  return facts;
}

}  // namespace quorate::app
