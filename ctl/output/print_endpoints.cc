// What each endpoint says of itself, and what a snapshot file holds.
#include <cmath>

#include "base/bytes.h"
#include "output/go_json.h"
#include "output/print.h"
#include "output/table.h"
#include "output/text.h"

namespace quorate::output {
namespace {

using etcdserverpb::StatusResponse;

std::string YesNo(bool value) {
  return value ? "true" : "false";
}

std::string Size(std::int64_t bytes) {
  return FormatBytes(bytes < 0 ? 0U : static_cast<std::uint64_t>(bytes));
}

std::string PercentFree(const StatusResponse& status) {
  if (status.dbsize() <= 0) return "0%";
  const double free = static_cast<double>(status.dbsize() - status.dbsizeinuse());
  return std::to_string(std::llround(free * 100 / static_cast<double>(status.dbsize()))) + "%";
}

std::vector<std::string> Errors(const StatusResponse& status) {
  return {status.errors().begin(), status.errors().end()};
}

std::vector<std::string> StatusRow(const EndpointStatus& row) {
  const StatusResponse& status = row.status;
  return {row.endpoint,
          ToHex(status.header().member_id()),
          status.version(),
          status.storageversion(),
          Size(status.dbsize()),
          Size(status.dbsizeinuse()),
          PercentFree(status),
          Size(status.dbsizequota()),
          YesNo(status.leader() == status.header().member_id()),
          YesNo(status.islearner()),
          std::to_string(status.raftterm()),
          std::to_string(status.raftindex()),
          std::to_string(status.raftappliedindex()),
          Join(Errors(status), ", "),
          status.downgradeinfo().targetversion(),
          YesNo(status.downgradeinfo().enabled())};
}

std::string StatusFields(const Style& style, const EndpointStatus& row) {
  const StatusResponse& status = row.status;
  return HeaderFields(style, status.header()) +
         FieldLine("Version", std::string_view(status.version())) +
         FieldLine("StorageVersion", std::string_view(status.storageversion())) +
         FieldLine("DBSize", status.dbsize()) + FieldLine("DBSizeInUse", status.dbsizeinuse()) +
         FieldLine("DBSizeQuota", status.dbsizequota()) + FieldLine("Leader", status.leader()) +
         FieldLine("IsLearner", status.islearner()) + FieldLine("RaftIndex", status.raftindex()) +
         FieldLine("RaftTerm", status.raftterm()) +
         FieldLine("RaftAppliedIndex", status.raftappliedindex()) +
         FieldLineRaw("Errors", "[" + Join(Errors(status), " ") + "]") +
         FieldLine("Endpoint", std::string_view(row.endpoint)) +
         FieldLine("DowngradeTargetVersion",
                   std::string_view(status.downgradeinfo().targetversion())) +
         FieldLine("DowngradeEnabled", status.downgradeinfo().enabled()) + "\n";
}

std::string Lines(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  for (const auto& row : rows) out += Join(row, ", ") + "\n";
  return out;
}

// [{"Endpoint":..., NAME:{...}}, ...]
template <typename Row, typename Member>
std::string JsonRows(const std::vector<Row>& rows, const char* name, Member member) {
  std::string out;
  for (const auto& row : rows) {
    out += std::string(out.empty() ? "" : ",") + "{\"Endpoint\":" + JsonString(row.endpoint) +
           ",\"" + name + "\":" + GoJson(row.*member) + "}";
  }
  return "[" + out + "]\n";
}

std::string HealthLine(const EndpointHealth& row) {
  if (row.healthy) {
    return row.endpoint +
           " is healthy: successfully committed proposal: took = " + FormatDuration(row.took) +
           "\n";
  }
  return row.endpoint + " is unhealthy: failed to commit proposal: " + row.error + "\n";
}

std::string HealthJson(const std::vector<EndpointHealth>& rows) {
  std::string out;
  for (const auto& row : rows) {
    out += std::string(out.empty() ? "" : ",") + "{\"endpoint\":" + JsonString(row.endpoint) +
           ",\"health\":" + YesNo(row.healthy) +
           ",\"took\":" + JsonString(FormatDuration(row.took)) +
           (row.error.empty() ? "" : ",\"error\":" + JsonString(row.error)) + "}";
  }
  return "[" + out + "]\n";
}

}  // namespace

Result<std::string> PrintStatuses(const Style& style, const std::vector<EndpointStatus>& rows) {
  std::vector<std::vector<std::string>> cells;
  std::string fields;
  for (const auto& row : rows) {
    cells.push_back(StatusRow(row));
    fields += StatusFields(style, row);
  }
  switch (style.format) {
    case Format::kSimple:
      return Lines(cells);
    case Format::kJson:
      return JsonRows(rows, "Status", &EndpointStatus::status);
    case Format::kFields:
      return fields;
    case Format::kTable:
      return RenderTable(
          {"Endpoint", "ID", "Version", "Storage Version", "DB Size", "In Use",
           "Percentage Not In Use", "Quota", "Is Leader", "Is Learner", "Raft Term", "Raft Index",
           "Raft Applied Index", "Errors", "Downgrade Target Version", "Downgrade Enabled"},
          cells);
    case Format::kProtobuf:
      break;
  }
  return NotSupported(style.format);
}

Result<std::string> PrintHashes(const Style& style, const std::vector<EndpointHash>& rows) {
  std::vector<std::vector<std::string>> cells;
  std::string fields;
  for (const auto& row : rows) {
    cells.push_back(
        {row.endpoint, std::to_string(row.hash.hash()), std::to_string(row.hash.hash_revision())});
    fields += HeaderFields(style, row.hash.header()) +
              FieldLine("Endpoint", std::string_view(row.endpoint)) +
              FieldLine("Hash", std::uint64_t{row.hash.hash()}) +
              FieldLine("HashRevision", row.hash.hash_revision()) + "\n";
  }
  switch (style.format) {
    case Format::kSimple:
      return Lines(cells);
    case Format::kJson:
      return JsonRows(rows, "HashKV", &EndpointHash::hash);
    case Format::kFields:
      return fields;
    case Format::kTable:
      return RenderTable({"Endpoint", "Hash", "Hash Revision"}, cells);
    case Format::kProtobuf:
      break;
  }
  return NotSupported(style.format);
}

Result<std::string> PrintHealth(const Style& style, const std::vector<EndpointHealth>& rows) {
  std::vector<std::vector<std::string>> cells;
  std::string lines;
  std::string fields;
  for (const auto& row : rows) {
    cells.push_back({row.endpoint, YesNo(row.healthy), FormatDuration(row.took), row.error});
    lines += HealthLine(row);
    fields += FieldLine("Endpoint", std::string_view(row.endpoint)) +
              FieldLine("Health", row.healthy) + FieldLineRaw("Took", FormatDuration(row.took)) +
              FieldLineRaw("Error", row.error) + "\n";
  }
  switch (style.format) {
    case Format::kSimple:
      return lines;
    case Format::kJson:
      return HealthJson(rows);
    case Format::kFields:
      return fields;
    case Format::kTable:
      return RenderTable({"Endpoint", "Health", "Took", "Error"}, cells);
    case Format::kProtobuf:
      break;
  }
  return NotSupported(style.format);
}

Result<std::string> PrintSnapshotStatus(const Style& style, const SnapshotStatus& status) {
  const std::vector<std::string> cells = {
      ToHex(std::uint64_t{status.hash}), std::to_string(status.revision),
      std::to_string(status.keys), FormatBytes(status.size), status.version};
  switch (style.format) {
    case Format::kSimple:
      return Lines({cells});
    case Format::kJson:
      return "{\"hash\":" + std::to_string(status.hash) +
             ",\"revision\":" + std::to_string(status.revision) +
             ",\"totalKey\":" + std::to_string(status.keys) +
             ",\"totalSize\":" + std::to_string(status.size) +
             ",\"version\":" + JsonString(status.version) + "}\n";
    case Format::kFields:
      return FieldLine("Hash", std::uint64_t{status.hash}) +
             FieldLine("Revision", status.revision) + FieldLine("Keys", status.keys) +
             FieldLine("Size", status.size) + FieldLineRaw("Version", status.version);
    case Format::kTable:
      return RenderTable({"Hash", "Revision", "Total Keys", "Total Size", "Version"}, {cells});
    case Format::kProtobuf:
      break;
  }
  return NotSupported(style.format);
}

}  // namespace quorate::output
