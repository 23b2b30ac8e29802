/* Threads that come, trace and exit while their tracer is shut down and taken down.

   Stands for start and end as far as they choose an arena and count (src/arena/span_lifecycle.cpp: with_arena, give_up),
   Pipeline::find_arena, adopt_arena, retire, with_shared_arena, stop_accepting, snapshot_current and ~Pipeline
   (pipeline.*), ThreadArenas::~ThreadArenas (thread_arenas.cpp), the end of ExporterThread::run (src/export/), and retire,
   reap and has_open_spans (src/tracer.cpp).

   One thread records two spans and exits; another starts one, exits as far as its thread-locals go, and ends the span
   after that, in the arena for latecomers. Both hold the tracer until they have started their last span. It is shut down at
   any moment, and taken down when nobody holds it and no span is open. Checked: nobody touches the pipeline when it is gone, nor a queue or an arena
   that is; nobody uses an arena that he has none of; each span that ended was exported, dropped, or lies where
   the counters say that it was left at the stop.

   Left out: chunks (hand_over.pml; an arena is the number of records in it), the exporter's way of delivering, and
   more than one pipeline. Memory is sequentially consistent; that `ended` counts last is the release in Counter::add. */

#define ARENAS 3
#define SHARED 0
#define NONE   255

#define NO_PIPELINE 0 /* what a thread without an arena has as its pipeline's id */
#define ID          1
#ifdef MUTATE_CLOSED_IS_NO_PIPELINE
#define CLOSED      0
#else
#define CLOSED      2
#endif

/* the pipeline */
bool is_there = true;       /* its memory */
bool queue_is_there = true; /* that of the queue in it */
byte open_id = ID;
bool is_taking = true;
bool lifetime, registry, shared_mutex; /* mutexes */

/* an arena */
byte arenas = 1;
bool is_arena[ARENAS], has_owner[ARENAS], has_pipeline[ARENAS], has_token[ARENAS];
byte holders[ARENAS];
byte recorded[ARENAS], collected[ARENAS];
byte started[ARENAS], ended[ARENAS], dropped[ARENAS];

byte handles = 2;
bool stop_requested, has_stopped;
byte exported, dropped_at_stop;

#define TAKE(mutex) atomic { !mutex -> mutex = true }
#define LEAVE(mutex) mutex = false
#define USE_PIPELINE assert(is_there)

/* find_arena: the thread's own, else one without an owner, else a new one */
inline find_arena() {
    USE_PIPELINE;
    if
    :: mine == NONE ->
        TAKE(registry);
        atomic {
            if
            :: arenas > 1 && !has_owner[1] -> mine = 1
            :: arenas > 2 && !has_owner[2] -> mine = 2
            :: else ->
                mine = arenas;
                arenas++;
                is_arena[mine] = true;
                has_pipeline[mine] = true;
                has_token[mine] = true;
                holders[mine] = 1
            fi;
            has_owner[mine] = true;
            holders[mine]++
        }
        LEAVE(registry)
    :: else
    fi;
    pipeline_id = ID
}

inline start() {
    USE_PIPELINE;
    if
    :: pipeline_id == open_id -> skip
    :: else -> find_arena()
    fi;
    assert(mine != NONE && is_arena[mine]);
    started[mine]++
}

inline record_in(arena) {
#ifdef MUTATE_ENDED_BEFORE_RECORDED
    ended[arena]++;
    USE_PIPELINE;
    recorded[arena]++
#else
    USE_PIPELINE;
    recorded[arena]++;
    ended[arena]++
#endif
}

inline give_up_in(arena) {
    USE_PIPELINE;
    dropped[arena]++;
    ended[arena]++
}

inline end_span() {
    USE_PIPELINE;
    if
    :: pipeline_id == open_id ->
        assert(mine != NONE && is_arena[mine]);
        record_in(mine)
    :: else ->
        takes = is_taking;
        find_arena();
        if
        :: takes -> record_in(mine)
        :: else -> give_up_in(mine)
        fi
    fi
}

inline end_late() {
    USE_PIPELINE;
    assert(open_id != pipeline_id);
    takes = is_taking;
    TAKE(shared_mutex);
    if
    :: takes -> record_in(SHARED)
    :: else -> give_up_in(SHARED)
    fi;
    assert(is_there);
    LEAVE(shared_mutex)
}

/* The last holder of an arena frees it, and its token tells the queue. */
inline let_go(arena) {
    atomic {
        holders[arena]--;
        is_last = holders[arena] == 0
    }
    if
    :: is_last ->
        if
        :: has_token[arena] -> assert(queue_is_there); has_token[arena] = false
        :: else
        fi;
        is_arena[arena] = false;
        is_last = false
    :: else
    fi
}

/* ~ThreadArenas */
inline exit_thread() {
    if
    :: mine != NONE ->
        pipeline_id = NO_PIPELINE;
        TAKE(lifetime);
        if
        :: has_pipeline[mine] ->
            USE_PIPELINE;
            TAKE(registry);
            has_owner[mine] = false;
            LEAVE(registry)
        :: else
        fi;
        LEAVE(lifetime);
        let_go(mine);
        mine = NONE
    :: else
    fi
}

proctype Thread() {
    byte mine = NONE;
    byte pipeline_id = NO_PIPELINE;
    bool takes, is_last;
    start();
    end_span();
    start();
    handles--;
    end_span();
    exit_thread()
}

proctype Latecomer() {
    byte mine = NONE;
    byte pipeline_id = NO_PIPELINE;
    bool takes, is_last;
    start();
    handles--;
    exit_thread();
    end_late()
}

inline collect(into) {
    TAKE(registry);
    i = 0;
    do
    :: i < arenas ->
        atomic { into = into + recorded[i] - collected[i]; collected[i] = recorded[i]; i++ }
    :: else -> break
    od;
    i = 0;
    LEAVE(registry)
}

proctype Exporter() {
    byte i;
    do
    :: !stop_requested -> collect(exported)
    :: stop_requested -> break
    od;
    is_taking = false;
    open_id = CLOSED;
    collect(dropped_at_stop);
    has_stopped = true
}

/* Whoever shuts down, lets go of the last handle, and makes other tracers later. */
proctype Owner() {
    byte i, started_in_all, ended_in_all;
    bool is_last;
    stop_requested = true;
    has_stopped;
    handles == 0;
    /* reap, again and again */
    do
    ::
        i = 0; started_in_all = 0; ended_in_all = 0;
        TAKE(registry);
        do
        :: i < arenas -> ended_in_all = ended_in_all + ended[i]; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < arenas -> started_in_all = started_in_all + started[i]; i++
        :: else -> break
        od;
        LEAVE(registry);
        i = 0;
        if
        :: started_in_all == ended_in_all -> break
        :: else
        fi
    od;
    /* What is left in the arenas is what Tracer::stats() calls forgotten, under `shutdown`. */
    assert(exported + dropped_at_stop + dropped[0] + dropped[1] + dropped[2]
           + (recorded[0] - collected[0]) + (recorded[1] - collected[1]) + (recorded[2] - collected[2]) == started_in_all);
    assert(started_in_all == 3);
    /* ~Pipeline */
#ifndef MUTATE_NO_WAIT_FOR_LATECOMERS
    TAKE(shared_mutex);
    LEAVE(shared_mutex);
#endif
    TAKE(lifetime);
    do
    :: i < arenas ->
        has_pipeline[i] = false;
#ifndef MUTATE_TOKENS_LEFT
        has_token[i] = false;
#endif
        i++
    :: else -> i = 0; break
    od;
    LEAVE(lifetime);
    /* its members */
    is_there = false;
    do
    :: i < arenas -> let_go(i); i++
    :: else -> i = 0; break
    od;
    /* ~ConcurrentQueue tells the tokens there are */
    do
    :: i < arenas ->
        if
        :: has_token[i] -> skip; assert(is_arena[i]); has_token[i] = false
        :: else
        fi;
        i++
    :: else -> break
    od;
    queue_is_there = false
}

init {
    atomic {
        is_arena[SHARED] = true;
        has_owner[SHARED] = true;
        has_pipeline[SHARED] = true;
        has_token[SHARED] = true;
        holders[SHARED] = 1;
        run Thread();
        run Latecomer();
        run Exporter();
        run Owner()
    }
}
