/* Reading the counters while they count: started = exported + dropped + in flight, at any moment.

   Stands for Counter (src/arena/counters.hpp), Pipeline::totals (pipeline.cpp), stats (src/tracer.cpp), and the order in which
   threads and exporter count (span_lifecycle.cpp, src/export/exporter.cpp).

   A span is started on one thread and ends on another, in another arena, where it is recorded or dropped; a second one stays on
   its thread. The exporter collects and delivers them, or is stopped and drops them, or never sees them. A reader adds up
   once, at any moment. Checked: the sum is right, and nothing that is subtracted is larger than what it is subtracted from.

   Left out: all but the counters. A load of Counter acquires what its store released, so that who sees a count sees those
   before it: here memory is sequentially consistent, and only the order of the loads is at stake. */

#define ARENAS 2

byte started[ARENAS], ended[ARENAS], dropped[ARENAS];
byte recorded[ARENAS];
byte collected, exported, dropped_by_exporter;
bool has_stopped;

chan moved = [1] of { bit };

inline end_in(arena) {
    if
    :: recorded[arena]++
    :: dropped[arena]++
    fi;
    ended[arena]++
}

proctype Starter() {
    started[0]++;
    moved ! 1;
    started[0]++;
    end_in(0)
}

proctype Ender() {
    moved ? 1;
    end_in(1)
}

inline take_over() {
    taken[0] = recorded[0];
    taken[1] = recorded[1];
    collected = taken[0] + taken[1];
}

proctype Exporter() {
    byte taken[ARENAS], finished;
    do
    :: take_over();
        if
        :: finished < collected -> exported++; finished++
        :: else -> break
        fi
    :: break
    od;
    take_over();
    dropped_by_exporter = collected - finished;
    has_stopped = true
}

/* Tracer::stats() */
proctype Reader() {
    byte all_started, all_ended, all_dropped, shown_exported, shown_dropped, shown_collected, finished, kept, open, in_flight;
    byte forgotten;
    bool is_over;
#ifndef MUTATE_STOP_SEEN_LAST
    is_over = has_stopped;
#endif
#ifdef MUTATE_FINISHED_READ_APART
    finished = exported + dropped_by_exporter;
#endif
    shown_exported = exported;
    shown_dropped = dropped_by_exporter;
#ifndef MUTATE_FINISHED_READ_APART
    finished = shown_exported + shown_dropped;
#endif
    shown_collected = collected;
    /* totals */
#ifdef MUTATE_ONE_ARENA_AFTER_THE_OTHER
    all_dropped = dropped[0];
    all_ended = ended[0];
    all_started = started[0];
    all_dropped = all_dropped + dropped[1];
    all_ended = all_ended + ended[1];
    all_started = all_started + started[1];
#else
    all_dropped = dropped[0];
    all_ended = ended[0];
    all_dropped = all_dropped + dropped[1];
    all_ended = all_ended + ended[1];
    all_started = started[0];
    all_started = all_started + started[1];
#endif
#ifdef MUTATE_STOP_SEEN_LAST
    is_over = has_stopped;
#endif
    assert(all_started >= all_ended && all_started >= all_dropped);
    open = all_started - all_ended;
    kept = all_started - all_dropped;
    assert(kept >= finished);
    in_flight = kept - finished;
    if
    :: is_over ->
        assert(kept >= shown_collected);
        forgotten = kept - shown_collected;
        forgotten = (open < forgotten -> forgotten - open : 0);
        assert(in_flight >= forgotten);
        in_flight = in_flight - forgotten
    :: else
    fi;
    assert(all_started == shown_exported + shown_dropped + all_dropped + forgotten + in_flight);
    /* and nothing is counted under two names */
    assert(!is_over || in_flight <= open)
}

init {
    atomic {
        run Starter();
        run Ender();
        run Exporter();
        run Reader()
    }
}
