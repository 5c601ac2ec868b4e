#include "app/process_facts.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace quorate::app {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double CountOpenFiles() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = -3;  // ".", ".." and the directory itself
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// The machine's start plus this process' own, which is counted in clock ticks from there.
double ReadStart() {
  std::ifstream machine("/proc/stat");
  double booted = 0;
  for (std::string word; machine >> word;) {
    if (word != "btime") continue;
    machine >> booted;
    break;
  }
  std::ifstream self("/proc/self/stat");
  std::string stat;
  std::getline(self, stat);
  // Field 22; fields are counted from behind the name, which may have spaces.
  std::size_t at = stat.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  if (at == std::string::npos || booted == 0) return 0;
  return booted +
         std::strtod(stat.c_str() + at, nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

runtime::ProcessFacts ReadProcessFacts() {
  static const double kStarted = ReadStart();
  runtime::ProcessFacts facts;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  facts.cpu_seconds = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  double resident_pages = 0;
  statm >> pages >> resident_pages;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  facts.virtual_bytes = pages * page;
  facts.resident_bytes = resident_pages * page;
  facts.open_files = CountOpenFiles();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  facts.open_files_max = static_cast<double>(limit.rlim_cur);
  facts.started_unix_seconds = kStarted;
  return facts;
}

}  // namespace quorate::app
