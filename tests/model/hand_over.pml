/* A chunk's way from the thread that fills it to the exporter and back, with a flush at any moment.

   Stands for ThreadArena::commit, append_slow and hand_in (src/arena/thread_arena.*), the emptying in ChunkPool::release
   (chunk_pool.cpp), Pipeline::snapshot_current, dequeue_full and release_reference (pipeline.*), Exporter::collect and
   add_segment, and the release of segments that were compressed (src/export/exporter.cpp).

   Two threads fill chunks of two records out of a pool of two, and exit. The exporter collects whenever it likes, keeps
   segments as long as it likes, and frees a chunk with its last reader. Checked: a collection, which is what a flush begins
   with, finds all that was published when it began; nothing is exported twice, or before its bytes are there; in the end
   every record was exported, or dropped because there was no chunk, and every chunk is free and empty.

   Left out: bytes (a record is one slot), chains of chunks (they only take the queue's way), the stack of free chunks
   (free_chunks.pml), wake-ups and waiting (wake_up.pml). The queue keeps the order of each thread and none between them, as
   moodycamel's does; an enqueue is one step. Memory is sequentially consistent: that compilers and processors do not
   reorder is what the acquires and releases in the code are for, with their reasons beside them. Two such reorderings are
   made by hand, COUNT_BEFORE_BYTES and CURRENT_BEFORE_QUEUE. Steps that touch only what is one thread's own are joined. */

#define OWNERS  2
#define RECORDS 5 /* three of the first owner, two of the second */
#define CHUNKS  2
#define SLOTS   2
#define NONE    255
#define BIT(record) (1 << (record))
#define ALL         (BIT(RECORDS) - 1)

/* a chunk */
byte published[CHUNKS];
byte collected[CHUNKS];
byte further_readers[CHUNKS];
byte data[CHUNKS * SLOTS]; /* record + 1 */
chan free_chunks = [CHUNKS] of { byte };

/* an arena */
byte current[OWNERS] = NONE;
chan queue[OWNERS] = [CHUNKS] of { byte };
byte owners_left = OWNERS;

/* what became of the records: said by nobody in the code */
byte is_published, is_dropped, is_collected, is_exported;

inline hand_in() {
#ifdef MUTATE_CURRENT_BEFORE_QUEUE
    current[me] = NONE;
    queue[me] ! chunk;
#else
    queue[me] ! chunk;
    current[me] = NONE;
#endif
    chunk = NONE
}

proctype Owner(byte me; byte record; byte end) {
    byte chunk = NONE;
    byte fresh;
    do
    :: record < end ->
        if
        :: chunk == NONE
        :: chunk != NONE && published[chunk] == SLOTS -> hand_in()
        :: chunk != NONE && published[chunk] < SLOTS -> goto commit
        fi;
        atomic {
            if
            :: free_chunks ? fresh -> chunk = fresh; fresh = 0
            :: empty(free_chunks) -> is_dropped = is_dropped | BIT(record); goto next
            fi
        }
#ifdef MUTATE_EMPTIED_WHEN_TAKEN
        published[chunk] = 0;
        d_step { collected[chunk] = 0; further_readers[chunk] = 0 }
#endif
        current[me] = chunk;
    commit:
#ifdef MUTATE_COUNT_BEFORE_BYTES
        atomic { published[chunk]++; is_published = is_published | BIT(record) }
        data[chunk * SLOTS + published[chunk] - 1] = record + 1;
#else
        atomic {
            data[chunk * SLOTS + published[chunk]] = record + 1;
            published[chunk]++;
            is_published = is_published | BIT(record)
        }
#endif
    next:
        record++
    :: else -> break
    od;
    /* the thread exits */
    if
    :: chunk != NONE -> hand_in()
    :: else
    fi;
    owners_left--
}

inline add_segment(which, count) {
    if
    :: count != 0 ->
        assert(count >= collected[which]);
        if
        :: count > collected[which] ->
            pending ! which, collected[which], count;
            further_readers[which]++;
            slot = collected[which];
            do
            :: slot < count ->
                record = data[which * SLOTS + slot];
                assert(record != 0);
                is_collected = is_collected | BIT(record - 1);
                slot++
            :: else -> break
            od;
            record = 0;
            slot = 0;
            collected[which] = count
        :: else
        fi
    :: else
    fi
}

inline release_reference(which) {
    if
#ifdef MUTATE_FREED_BEFORE_OUT_OF_QUEUE
    :: further_readers[which] <= 1 ->
#else
    :: further_readers[which] == 0 ->
#endif
#ifndef MUTATE_EMPTIED_WHEN_TAKEN
        published[which] = 0;
        collected[which] = 0;
        further_readers[which] = 0;
#endif
        free_chunks ! which
    :: else -> further_readers[which]--
    fi
}

inline look_at_current() {
    seen[0] = current[0];
    seen[1] = current[1]
}

inline drain() {
    do
    :: atomic { queue[0] ? chunk -> take() }
    :: atomic { queue[1] ? chunk -> take() }
    :: atomic { empty(queue[0]) && empty(queue[1]) -> chunk = 0; break }
    od
}

inline take() {
    add_segment(chunk, published[chunk]);
    drained ! chunk
}

/* What is published is read first, then what is the exporter's own. */
inline take_current(owner) {
    if
    :: seen[owner] != NONE ->
        count = published[seen[owner]];
        atomic { add_segment(seen[owner], count); seen[owner] = NONE; count = 0 }
    :: else
    fi
}

inline collect() {
    before = is_published;
#ifdef MUTATE_DRAIN_FIRST
    drain();
    look_at_current();
#else
    look_at_current();
    drain();
#endif
    take_current(0);
    take_current(1);
    atomic {
        assert((before & is_collected) == before);
        before = 0
    }
    do
    :: atomic { drained ? chunk -> release_reference(chunk) }
    :: atomic { empty(drained) -> chunk = 0; break }
    od
}

/* The segment that waits longest was compressed: its bytes are read, and it is released. */
inline export_segment() {
    atomic {
        pending ? chunk, slot, count;
        do
        :: slot < count ->
            record = data[chunk * SLOTS + slot];
            assert((is_exported & BIT(record - 1)) == 0);
            is_exported = is_exported | BIT(record - 1);
            slot++
        :: else -> break
        od;
        record = 0;
        slot = 0;
        count = 0;
        release_reference(chunk);
        chunk = 0
    }
}

proctype Exporter() {
    chan pending = [RECORDS] of { byte, byte, byte }; /* chunk, from, to */
    chan drained = [CHUNKS] of { byte };
    byte seen[OWNERS] = NONE;
    byte chunk, count, slot, record, before;
    do
    :: owners_left != 0 -> collect()
    :: nempty(pending) -> export_segment()
    :: owners_left == 0 -> break
    od;
    collect();
    do
    :: nempty(pending) -> export_segment()
    :: empty(pending) -> break
    od;
    assert(is_exported == is_published);
    assert((is_exported & is_dropped) == 0 && (is_exported | is_dropped) == ALL);
    assert(len(free_chunks) == CHUNKS)
}

init {
    atomic {
        free_chunks ! 0;
        free_chunks ! 1;
        run Owner(0, 0, 3);
        run Owner(1, 3, RECORDS);
        run Exporter()
    }
}
