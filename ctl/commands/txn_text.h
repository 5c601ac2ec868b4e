// TxnText: a transaction as people type it: compares, a blank line, operations, a blank line,
// operations.
//
//   mod("key1") > "0"
//
//   put key1 "overwrote-key1"
//
//   put key1 "created-key1"
//
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/rpc.pb.h"

namespace quorate::commands {

// kInvalidArgument with etcdctl's text.
Result<etcdserverpb::Compare> ParseCompare(const std::string& line);

// Splits a line at spaces; "..." is unescaped, '...' is taken as it is.
std::vector<std::string> SplitWords(const std::string& line);

// Lines up to the next blank one, which is taken too. kOutOfRange "EOF" when there is none.
Result<std::vector<std::string>> ReadBlock(std::istream& in);

}  // namespace quorate::commands
