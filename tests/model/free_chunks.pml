/* The free chunks: two stacks and a count, used by any thread without a lock.

   Stands for ChunkStack::push and pop (src/arena/chunk_stack.hpp), ChunkPool::acquire, release, prefault and trim
   (chunk_pool.*). Three threads take one of two chunks and give it back, or keep it; the exporter moves chunks from one stack to
   the other, as prefault and trim do. Each load, store and exchange is a step. Checked: nobody takes a chunk that another has; whoever was
   counted in finds a chunk (the search ends); in the end each chunk is on one stack and the count is right.

   Left out: the part of the chunks that is kept for the exporter, and waiting for memory (wake_up.pml). The version wraps
   after 2^32 exchanges in the code and never here. Memory is sequentially consistent; LINK_AFTER_TOP is the reordering that
   push's release forbids. */

#define THREADS 3
#define MOVES   2
#define CHUNKS  2
#define NONE    0 /* chunks are numbered from 1 */

#define RESIDENT  0
#define UNTOUCHED 1

byte top[2];     /* one word in the code: */
byte version[2]; /* number and version of the top */
byte link[CHUNKS + 1];
short free_count = CHUNKS;

bool is_taken[CHUNKS + 1]; /* said by nobody in the code */
byte kept;
byte threads_left = THREADS + 1;

#ifdef MUTATE_NO_VERSION
#define SAME_VERSION(stack) true
#else
#define SAME_VERSION(stack) (version[stack] == seen_version)
#endif

inline push(stack, chunk) {
    is_taken[chunk] = false;
    atomic { seen = top[stack]; seen_version = version[stack] }
    do
    ::
#ifndef MUTATE_LINK_AFTER_TOP
        link[chunk] = seen;
#endif
        atomic {
            if
            :: top[stack] == seen && SAME_VERSION(stack) ->
                top[stack] = chunk;
                version[stack]++;
                break
            :: else -> seen = top[stack]; seen_version = version[stack]
            fi
        }
    od;
#ifdef MUTATE_LINK_AFTER_TOP
    link[chunk] = seen;
#endif
    atomic { seen = 0; seen_version = 0 }
}

/* Leaves NONE in `chunk` when the stack is empty. */
inline pop(stack, chunk) {
    atomic { seen = top[stack]; seen_version = version[stack] }
    do
    :: seen == NONE -> chunk = NONE; break
    :: seen != NONE ->
        next = link[seen];
        atomic {
            if
            :: top[stack] == seen && SAME_VERSION(stack) ->
                top[stack] = next;
                version[stack]++;
                chunk = seen;
                assert(!is_taken[chunk]);
                is_taken[chunk] = true;
                break
            :: else -> seen = top[stack]; seen_version = version[stack]
            fi
        }
    od;
    atomic { seen = 0; seen_version = 0; next = 0 }
}

/* Gives back a chunk that nobody else has. */
inline release(chunk) {
    push(RESIDENT, chunk);
    free_count++
}

proctype Thread() {
    byte chunk, seen, seen_version, next;
    bool is_counted;
    /* acquire */
#ifdef MUTATE_LOOKED_AT_BEFORE_COUNTED
    is_counted = free_count > 0;
    free_count--;
#else
    atomic { is_counted = free_count > 0; free_count-- }
#endif
    if
    :: is_counted ->
        do
        :: pop(RESIDENT, chunk);
            if
            :: chunk != NONE -> break
            :: else
            fi;
            pop(UNTOUCHED, chunk);
            if
            :: chunk != NONE -> break
            :: else
            fi;
            /* the code looks again at once, and finds the same until somebody pushes */
            top[RESIDENT] != NONE || top[UNTOUCHED] != NONE
        od;
        if
        :: release(chunk)
        :: kept++
        fi
    :: else -> free_count++
    fi;
    threads_left--
}

proctype Exporter() {
    byte chunk, seen, seen_version, next, move;
    do
    :: move < MOVES ->
        if
        :: pop(RESIDENT, chunk); /* trim */
            if
            :: chunk != NONE -> push(UNTOUCHED, chunk)
            :: else
            fi
        :: pop(UNTOUCHED, chunk); /* prefault */
            if
            :: chunk != NONE -> push(RESIDENT, chunk)
            :: else
            fi
        fi;
        atomic { chunk = 0; move++ }
    :: else -> break
    od;
    threads_left--
}

init {
    atomic {
        link[1] = 2;
        top[RESIDENT] = 1;
        run Thread();
        run Thread();
        run Thread();
        run Exporter()
    }
    threads_left == 0;
    assert(free_count == CHUNKS - kept);
    /* each chunk is on one of the stacks, once */
    byte stack, at, found;
    do
    :: stack < 2 ->
        at = top[stack];
        do
        :: at != NONE -> assert(!is_taken[at]); is_taken[at] = true; found++; at = link[at]
        :: else -> break
        od;
        stack++
    :: else -> break
    od;
    assert(found == CHUNKS - kept)
}
