// Export: a view of the store as the bbolt file that etcd calls a snapshot.
//
// The file's metas stand at its front but speak of its end, and clients want the length first, so
// the view is walked twice: Measure finds the layout, Write sends exactly that many bytes. Both see
// the same rows because a view never changes.
//
// Errors: the view's; kInternal when the two walks differ, which a view rules out.
// Thread: the background; a sink may block.
#pragma once

#include <string>

#include "bolt/writer.h"
#include "storage/backend.h"

namespace quorate::snapshot {

Result<bolt::Layout> Measure(const storage::Reader& view);

// Calls sink with consecutive pieces of the file, layout.bytes() in all.
Status Write(const storage::Reader& view, const bolt::Layout& layout, const bolt::Sink& sink);

// Both at once, into a file that is synced; the caller syncs its directory. Returns the database's
// SHA-256, 32 raw bytes; with_digest appends it, as `etcdctl snapshot save` does.
Result<std::string> WriteFile(const storage::Reader& view, io::Disk& disk, std::string_view path,
                              bool with_digest);

}  // namespace quorate::snapshot
