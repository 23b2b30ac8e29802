/* A fork while other threads are in the middle of something.

   Stands for before_fork, after_fork_in_parent and after_fork_in_child, start_pipeline and stats (src/tracer.cpp),
   Pipeline::disinherit, retire and is_inherited (src/arena/pipeline.*), ThreadArenas::~ThreadArenas (thread_arenas.cpp),
   ProjectCache (src/judgment/project.cpp) and Clock::recalibrate (src/record/clock.cpp).

   The parent has a thread that records, reads the counters, makes a tracer and exits, and an exporter that collects, learns
   a project and recalibrates its clock; a third thread forks at any moment. The child has a copy of everything as it is at
   that moment, the mutexes too, and of the threads only the one that forked: it ends the span that was open, starts and ends
   one of its own, which its own exporter delivers, and exits. Checked: the child gets to its end, which it does not when it
   takes a mutex that was somebody else's at the fork; no record is delivered by both; the parent's are delivered by it.

   Left out: how chunks and queues work (hand_over.pml): the records that wait are a set. Mutexes of what the child leaves
   alone (the exporter's, the pool's) are not here. */

#define MUTEXES     6
#define REGISTRY    0 /* of the tracers */
#define CORE        1 /* of the one tracer */
#define LIFETIME    2 /* of all arenas */
#define PROJECTS    3
#define CALIBRATION 4
#define ARENAS      5 /* of the pipeline: Pipeline::registry_mutex_ */

#define PARENT 0
#define CHILD  1

#define BY_THREAD 1 /* records */
#define BY_FORKER 2
#define BY_CHILD  4

/* what each of the two processes has */
typedef Process {
    bool is_locked[MUTEXES];
    bool has_pipeline, is_inherited;
    byte waiting;   /* records in it */
    byte delivered;
};
Process process[2];

bool is_forked;
byte workers_left = 2;
bool child_is_through;

#define TAKE(who, mutex)  atomic { !process[who].is_locked[mutex] -> process[who].is_locked[mutex] = true }
#define LEAVE(who, mutex) process[who].is_locked[mutex] = false

/* A tracing thread of the parent. */
proctype Thread() {
    byte round = 2;
    do
    :: round != 0 ->
        if
        :: /* a span ends */
            process[PARENT].waiting = process[PARENT].waiting | BY_THREAD
        :: /* stats */
            TAKE(PARENT, CORE);
            TAKE(PARENT, ARENAS);
            LEAVE(PARENT, ARENAS);
            LEAVE(PARENT, CORE)
        :: /* a tracer is made: the registry, then its pipeline */
            TAKE(PARENT, REGISTRY);
            LEAVE(PARENT, REGISTRY);
            TAKE(PARENT, CORE);
            TAKE(PARENT, PROJECTS);
            LEAVE(PARENT, PROJECTS);
            LEAVE(PARENT, CORE)
        fi;
        round--
    :: else -> break
    od;
    /* exits */
    TAKE(PARENT, LIFETIME);
    TAKE(PARENT, ARENAS);
    LEAVE(PARENT, ARENAS);
    LEAVE(PARENT, LIFETIME);
    workers_left--
}

inline deliver(who) {
    TAKE(who, ARENAS);
    atomic {
        process[who].delivered = process[who].delivered | process[who].waiting;
        process[who].waiting = 0
    }
    LEAVE(who, ARENAS)
}

inline recalibrate(who) {
    TAKE(who, CALIBRATION);
    LEAVE(who, CALIBRATION)
}

proctype Exporter() {
    do
    :: workers_left != 0 -> deliver(PARENT)
    :: workers_left != 0 -> recalibrate(PARENT)
    :: workers_left != 0 ->
        TAKE(PARENT, PROJECTS);
        LEAVE(PARENT, PROJECTS)
    :: workers_left == 0 -> break
    od;
    deliver(PARENT)
}

inline before_fork() {
#ifdef MUTATE_NOTHING_HELD
    skip
#else
    TAKE(PARENT, REGISTRY);
    TAKE(PARENT, CORE);
    TAKE(PARENT, LIFETIME);
#ifndef MUTATE_PROJECTS_NOT_HELD
    TAKE(PARENT, PROJECTS);
#endif
#ifndef MUTATE_CALIBRATION_NOT_HELD
    TAKE(PARENT, CALIBRATION);
#endif
#endif
}

inline after_fork_in_parent(who) {
#ifdef MUTATE_NOTHING_HELD
    skip
#else
#ifndef MUTATE_CALIBRATION_NOT_HELD
    LEAVE(who, CALIBRATION);
#endif
#ifndef MUTATE_PROJECTS_NOT_HELD
    LEAVE(who, PROJECTS);
#endif
    LEAVE(who, LIFETIME);
    LEAVE(who, CORE);
    LEAVE(who, REGISTRY);
#endif
}

/* The thread that forks; it has ended a span before, and one is open. */
proctype Forker() {
    byte i;
    process[PARENT].waiting = process[PARENT].waiting | BY_FORKER;
    before_fork();
    d_step {
        i = 0;
        do
        :: i < MUTEXES -> process[CHILD].is_locked[i] = process[PARENT].is_locked[i]; i++
        :: else -> break
        od;
        i = 0;
        process[CHILD].has_pipeline = process[PARENT].has_pipeline;
        process[CHILD].waiting = process[PARENT].waiting;
        is_forked = true
    }
    run Child();
    after_fork_in_parent(PARENT);
    workers_left--
}

proctype Child() {
    /* after_fork_in_child */
#ifndef MUTATE_PIPELINE_KEPT
    process[CHILD].is_inherited = true;
    process[CHILD].waiting = 0; /* its memory is given up */
    process[CHILD].has_pipeline = false;
#endif
    after_fork_in_parent(CHILD);
    /* the span that was open ends: what is inherited is not even counted */
    if
    :: process[CHILD].is_inherited
    :: else -> process[CHILD].waiting = process[CHILD].waiting | BY_CHILD
    fi;
    /* a span starts: start_pipeline */
    if
    :: process[CHILD].has_pipeline
    :: else ->
        TAKE(CHILD, CORE);
        TAKE(CHILD, PROJECTS);
        LEAVE(CHILD, PROJECTS);
        process[CHILD].has_pipeline = true;
        LEAVE(CHILD, CORE)
    fi;
    /* find_arena of a new pipeline: the mutex is a new one as well */
    TAKE(CHILD, LIFETIME);
    LEAVE(CHILD, LIFETIME);
    process[CHILD].waiting = process[CHILD].waiting | BY_CHILD;
    /* its exporter */
    recalibrate(CHILD);
    atomic {
        process[CHILD].delivered = process[CHILD].delivered | process[CHILD].waiting;
        process[CHILD].waiting = 0
    }
    /* the thread exits: also from the arena that it had in the parent */
    TAKE(CHILD, LIFETIME);
#ifdef MUTATE_INHERITED_ARENA_RETIRED
    TAKE(CHILD, ARENAS);
    LEAVE(CHILD, ARENAS);
#endif
    LEAVE(CHILD, LIFETIME);
    child_is_through = true
}

init {
    atomic {
        process[PARENT].has_pipeline = true;
        run Thread();
        run Exporter();
        run Forker()
    }
    timeout; /* nobody does anything more */
    assert(workers_left == 0 && child_is_through);
    assert((process[PARENT].delivered & process[CHILD].delivered) == 0);
    assert(process[CHILD].delivered == BY_CHILD);
    assert(process[PARENT].waiting == 0 && (process[PARENT].delivered & BY_FORKER) != 0)
}
