// IndexCheckpoint: the key index as rows of the store, so that a restart need not read the history.
//
// A checkpoint is taken while the store changes, without a copy of the index and without a pause: a
// walk over the keys in order, a slice a turn (CheckpointWalk::Step), each slice one chunk in the
// turn's batch. So its keys are as they were at different moments, all at or after the revision
// `begin` at which the walk began. A reader makes that good: it loads the chunks and then reads the
// history behind `begin`, taking from it whatever is newer than what the chunk knew of the key.
//
// Why rows and not a file: a chunk, the head that completes it and the changes themselves reach the
// disk by the same atomic flush. Whatever a crash leaves, a head that is there means that all its
// chunks are, that the store is not older than them, and that they are this store's and not the one
// that a received snapshot has replaced. The family is left out of snapshots, hashes and sizes.
//
// Why not a delta a flush: rows of the history are that delta already, in order and checksummed;
// reading the last part of them costs what reading deltas would, and a put pays nothing.
//
// Compaction may take from the history what a reader would need: that a key was deleted behind
// `begin`. So a compaction that drops such a tombstone leaves a note (NoteDropped) in the same
// batch, which is kept until a newer checkpoint is complete. What is dead at the finished
// compaction is not loaded; a compaction that was under way is begun again over the index (Store
// does that).
//
// Errors: a head or chunk that is missing, of another version or fails its checksum is kDataLoss;
//   the caller falls back to reading the whole history.
// Thread: Walk: the raft+apply loop. The rest: any, over a reader that may be used there.
// Source: FORMAT.md for the bytes; the idea is ARIES' fuzzy checkpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "mvcc/key_index.h"
#include "storage/backend.h"

namespace quorate::mvcc {

struct CheckpointHead {
  std::uint64_t generation = 0;
  Revision begin;            // changes after it may be missing from the chunks
  std::uint64_t chunks = 0;  // numbered from 0
  std::uint64_t keys = 0;    // in all chunks

  bool operator==(const CheckpointHead&) const = default;
};

class CheckpointWalk {
 public:
  // last: the newest complete checkpoint, whose place this one takes. begin: the store's revision.
  CheckpointWalk(const std::optional<CheckpointHead>& last, Revision begin);

  // Adds the next keys, up to keys_max, to the batch. True: that was all, and the head is in the
  // batch too. The index may change between steps.
  bool Step(const KeyIndex& index, std::size_t keys_max, storage::Batch* batch);

  // begin is known from the start, the rest when the walk is over.
  const CheckpointHead& head() const { return head_; }

 private:
  void Finish(storage::Batch* batch) const;

  const std::optional<CheckpointHead> last_;
  CheckpointHead head_;
  std::string next_;  // the key to go on with
};

// nullopt: there is no complete checkpoint.
Result<std::optional<CheckpointHead>> ReadCheckpointHead(const storage::Reader& reader);
// Adds the checkpoint's keys to an empty index, without what is dead at `compacted`.
Status LoadCheckpoint(const storage::Reader& reader, const CheckpointHead& head, Revision compacted,
                      KeyIndex* index);

// Compaction removes this tombstone of the key.
void NoteDropped(RevisionId tombstone, std::string_view key, storage::Batch* batch);
// Calls visit(tombstone, key) for each note behind `begin`, oldest first.
Status ReadDropped(const storage::Reader& reader, Revision begin,
                   const std::function<void(RevisionId, std::string_view)>& visit);

}  // namespace quorate::mvcc
