#include "objectstore/object_store.h"

namespace quorate::objectstore {

Result<std::string> Get(ObjectStore& store, const std::string& key, std::uint64_t bytes_max) {
  std::string bytes;
  TRY(store.Read(key, 0, [&](std::string_view piece) -> Status {
    if (bytes.size() + piece.size() > bytes_max) {
      return Error{Code::kResourceExhausted, store.AddressOf(key) + ": larger than the " +
                                                 std::to_string(bytes_max) + " bytes expected"};
    }
    bytes += piece;
    return {};
  }));
  return bytes;
}

Status CheckKey(std::string_view key) {
  const Error bad{Code::kInvalidArgument, "\"" + std::string(key) + "\" cannot be an object's key"};
  std::string_view rest = key;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return bad;
    for (const char c : name) {
      if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f) return bad;
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace quorate::objectstore
