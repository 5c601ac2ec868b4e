// Export: a view of the store as the bbolt file that etcd calls a snapshot.
//
// The file's metas stand at its front but speak of its end, and clients want the length first. So
// Measure bounds the file from what the store knows of its own size, without a walk over the
// revisions, and Write sends exactly that many bytes: what the rows do not fill is empty pages, as
// in any bbolt file that was used for a while. Both see the same rows because a view never changes.
//
// Errors: the view's; kInternal when the rows do not fit, which a sound AtMost rules out.
// Thread: the background; a sink may block.
#pragma once

#include <string>

#include "bolt/writer.h"
#include "storage/backend.h"

namespace quorate::snapshot {

// Walks the revisions only when they are few, or when so many were deleted of late that the store's
// own word would make the file much longer.
Result<bolt::Layout> Measure(const storage::Reader& view);

// Calls sink with consecutive pieces of the file, layout.bytes() in all.
Status Write(const storage::Reader& view, const bolt::Layout& layout, const bolt::Sink& sink);

// Both at once, into a file that is not synced: it is read back and dropped, and to carry hundreds
// of megabytes to the disk at once would hold up the log's own syncs. Returns the database's
// SHA-256, 32 raw bytes; with_digest appends it, as `etcdctl snapshot save` does.
Result<std::string> WriteFile(const storage::Reader& view, io::Disk& disk, std::string_view path,
                              bool with_digest);

}  // namespace quorate::snapshot
