/* Asking for the exporter when memory is used up, and waiting for memory, when its clock never wakes it.

   Stands for Pipeline::request_wake, acknowledge_wake and wake_if_filling (src/arena/pipeline.cpp),
   ThreadArena::acquire_chunk with WhenFull::kBlock (thread_arena.cpp), ChunkPool::acquire, release, wait_until_free and
   wake_waiters (chunk_pool.cpp), and what of Exporter::step and run decides whether there is a collection and whether the
   exporter sleeps (src/export/).

   Two threads fill chunks one after another, out of a pool of four of which a request that is under way holds two. There is no
   tick and no deadline. Checked: no thread waits for ever; when the exporter sleeps, little is in use or no
   full chunk is there to be collected.

   Left out: the exporter's reserve, the chunks of requests but for the first one, max_block (it only ends a wait
   sooner). The queue is a count here (hand_over.pml). STALE_FLAG is a load that finds an old value, where an exchange
   cannot; LOOKED_BEFORE_REGISTERED is the reordering that seq_cst forbids. */

#define THREADS 2
#define FILLS   3 /* chunks that each thread fills */
#define CHUNKS  4
#define HELD    2 /* by the request under way */
#define MARK    3 /* with fewer free chunks the exporter collects */
#define ENOUGH  2 /* free chunks that are worth a wake-up at once */

byte free_count = CHUNKS - HELD;
byte queued;
byte threads_left = THREADS;

bool wake_requested;
bool wake;
bool is_answered;

/* the waiters' mutex and condition variable */
bool is_locked;
byte waiters;
bool is_notified[THREADS];

#define LOCK   atomic { !is_locked -> is_locked = true }
#define UNLOCK is_locked = false

inline request_wake() {
#ifdef MUTATE_STALE_FLAG
    /* a load first: it may find what this thread itself wrote, though the exporter has taken it down since */
    if
    :: has_requested || wake_requested -> was_requested = true
    :: !wake_requested -> atomic { was_requested = wake_requested; wake_requested = true }
    fi;
    has_requested = true;
#else
    atomic { was_requested = wake_requested; wake_requested = true }
#endif
    if
    :: was_requested -> was_requested = false
    :: else -> wake = true
    fi
}

inline acquire() {
    atomic {
        if
        :: free_count > 0 -> free_count--; has_chunk = true
        :: else
        fi
    }
}

inline wait_until_free() {
    LOCK;
#ifdef MUTATE_LOOKED_BEFORE_REGISTERED
    is_out = free_count == 0;
    waiters++;
#else
    waiters++;
    is_out = free_count == 0;
#endif
    do
    :: is_out ->
        atomic { is_notified[me] = false; UNLOCK }
        atomic { is_notified[me] && !is_locked -> is_locked = true }
        is_out = free_count == 0
    :: else -> break
    od;
    waiters--;
    UNLOCK
}

proctype Thread(byte me) {
    bool has_chunk, was_requested, has_requested, is_out;
    byte left = FILLS;
    do
    :: left != 0 ->
        /* the full one is handed in */
        atomic {
            if
            :: has_chunk -> has_chunk = false; queued++
            :: else
            fi
        }
        acquire();
        do
        :: has_chunk -> break
        :: else ->
            request_wake();
            wait_until_free();
            acquire()
        od;
        /* wake_if_filling */
        if
        :: free_count < MARK -> request_wake()
        :: else
        fi;
        left--
    :: else -> break
    od;
    threads_left--
}

inline notify_waiters() {
    if
    :: waiters != 0 ->
        LOCK;
        UNLOCK;
        atomic { is_notified[0] = true; is_notified[1] = true }
    :: else
    fi
}

inline release() {
    free_count++;
    if
    :: waiters != 0 && free_count >= ENOUGH -> notify_waiters()
    :: else
    fi
}

#ifdef MUTATE_ACKNOWLEDGED_WHEN_COLLECTING
#define AT_EACH_STEP
#define WHEN_COLLECTING wake_requested = false;
#else
#define AT_EACH_STEP wake_requested = false;
#define WHEN_COLLECTING
#endif

proctype Exporter() {
    byte pending;
    bool has_answer;
    do
    ::
        /* step: the answer gives back what its request held */
        if
        :: has_answer -> has_answer = false; release(); release()
        :: else
        fi;
        AT_EACH_STEP
        if
        :: free_count < MARK ->
            WHEN_COLLECTING
            atomic { pending = pending + queued; queued = 0 }
        :: else
        fi;
        /* compress_next: what waits is due when memory is out */
        do
        :: pending != 0 && free_count == 0 ->
            do
            :: pending != 0 -> release(); pending--
            :: else -> break
            od
        :: else -> break
        od;
#ifndef MUTATE_NO_LAST_CALL
        notify_waiters();
#endif
        /* wait */
end:    atomic { wake || is_answered -> wake = false }
        atomic {
            if
            :: is_answered -> is_answered = false; has_answer = true
            :: else
            fi
        }
    od
}

proctype Backend() {
    is_answered = true
}

init {
    atomic {
        run Thread(0);
        run Thread(1);
        run Exporter();
        run Backend()
    }
    timeout; /* nobody does anything more */
    assert(threads_left == 0);
    assert(free_count >= MARK || queued == 0)
}
