/* Asking the exporter to flush and to stop, when its clock never wakes it.

   Stands for ExporterThread::flush, stop, serve_requests and run (src/export/exporter_thread.cpp), Exporter::begin_flush,
   is_flushed and what of step and next_deadline decides whether the thread sleeps (exporter.cpp), and
   CurlTransport::wait and wake (curl_transport.cpp): a wake-up stays until a wait takes it.

   Two threads end a span each and flush, one of them twice; a third stops the exporter. There is no tick, no deadline, and a
   backend that answers each request at some time. Checked: everybody returns; whoever flushed and was not stopped finds its
   spans delivered; and no run goes on for ever (--no-infinite-runs), so that every flush ends after finitely many steps.

   Left out: time-outs (they only end waits sooner), retries, more than one request in flight, and that a batch holds several
   spans. The mutex and the condition variable are spelled out, with wake-ups that come only when notified. */

#define FLUSHERS 2
#define WAITERS  (FLUSHERS + 1)
#define STOPPER  FLUSHERS

/* the mutex, and what it guards */
bool is_locked;
byte flushes_requested, flushes_done;
bool stop_requested, stopped;
bool is_notified[WAITERS];

#define LOCK   atomic { !is_locked -> is_locked = true }
#define UNLOCK is_locked = false

/* the transport */
bool wake;
bool is_sent, is_answered; /* a request, and its answer */
bool is_under_way;
bool is_waiting; /* only the mutation that loses wake-ups asks */

byte ended, delivered;

inline wake_exporter() {
#ifdef MUTATE_WAKE_ONLY_SLEEPERS
    if
    :: is_waiting -> wake = true
    :: else
    fi
#else
    wake = true
#endif
}

inline notify_all() {
    d_step { is_notified[0] = true; is_notified[1] = true; is_notified[2] = true }
}

/* condition_variable::wait: gives the mutex up and begins to wait in one. */
inline wait_for_notification(me) {
    atomic { is_notified[me] = false; UNLOCK }
    atomic { is_notified[me] && !is_locked -> is_locked = true }
}

proctype Flusher(byte me; byte times) {
    byte ticket, mine;
    do
    :: times != 0 ->
        atomic { ended++; mine = ended }
#ifdef MUTATE_WAKE_BEFORE_TICKET
        wake_exporter();
        LOCK;
#else
        LOCK;
#endif
        if
        :: stopped -> UNLOCK; break
        :: else
        fi;
        atomic { flushes_requested++; ticket = flushes_requested }
#ifndef MUTATE_WAKE_BEFORE_TICKET
        wake_exporter();
#endif
#ifdef MUTATE_WAIT_WITHOUT_LOOKING
        UNLOCK;
        LOCK;
        wait_for_notification(me);
#endif
        do
        :: flushes_done >= ticket || stopped -> break
        :: else -> wait_for_notification(me)
        od;
        assert(flushes_done < ticket || delivered >= mine);
        UNLOCK;
        times--
    :: else -> break
    od
}

proctype Stopper() {
    LOCK;
    stop_requested = true;
    flushes_requested++;
    wake_exporter();
    do
    :: stopped -> break
    :: else -> wait_for_notification(STOPPER)
    od;
    UNLOCK
}

proctype Exporter() {
    byte collected, sent, send_all_below;
    chan flushes = [FLUSHERS + 2] of { byte, byte }; /* ticket, number */
    byte ticket, number, last, last_ticket;
    bool has_answer, is_due_now, is_over;
    do
    ::
        /* step: takes in the answer, sends the next span that a flush wants out */
        atomic {
            if
            :: has_answer -> has_answer = false; is_sent = false; delivered = sent
            :: else
            fi;
            if
            :: !is_sent && sent < send_all_below -> sent++; is_sent = true; is_under_way = true
            :: else
            fi
        }
        /* serve_requests */
        LOCK;
        do
        :: atomic {
                nempty(flushes) -> flushes ? <ticket, number>;
                if
                :: delivered >= number -> flushes ? ticket, number; flushes_done = ticket; notify_all()
                :: delivered < number -> break
                fi
            }
        :: empty(flushes) -> break
        od;
        atomic {
            if
            :: nempty(flushes) -> last = last_ticket
            :: empty(flushes) -> last = flushes_done
            fi;
            if
            :: flushes_requested > last ->
                collected = ended;
                send_all_below = collected;
                last_ticket = flushes_requested;
                flushes ! flushes_requested, collected
            :: else
            fi;
            last = 0; ticket = 0; number = 0
        }
        UNLOCK;
        /* next_deadline: now, while there is something to send and nothing on its way */
        is_due_now = !is_sent && sent < send_all_below;
        LOCK;
        is_over = stop_requested && empty(flushes) && flushes_done == flushes_requested;
        UNLOCK;
        if
        :: is_over -> break
        :: else
        fi;
#ifndef MUTATE_NO_SECOND_LOOK
        atomic {
            if
            :: nempty(flushes) ->
                flushes ? <ticket, number>;
                is_due_now = is_due_now || delivered >= number;
                ticket = 0; number = 0
            :: empty(flushes)
            fi
        }
#endif
        /* wait: what is there already is not waited for, and leaves the wake-up for the next time */
        if
        :: is_answered -> atomic { is_answered = false; has_answer = true }
        :: else ->
            is_waiting = true;
            atomic { wake || is_answered || is_due_now -> wake = false; is_waiting = false }
            atomic {
                if
                :: is_answered -> is_answered = false; has_answer = true
                :: else
                fi
            }
        fi;
        is_due_now = false
    od;
    LOCK;
    stopped = true;
    notify_all();
    UNLOCK
}

proctype Backend() {
end:
    do
    :: atomic { is_under_way -> is_under_way = false; is_answered = true }
    od
}

init {
    atomic {
        run Flusher(0, 2);
        run Flusher(1, 1);
        run Stopper();
        run Exporter();
        run Backend()
    }
}
