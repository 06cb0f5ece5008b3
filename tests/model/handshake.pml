/* handshake.pml - init, engine and journal, for every interleaving: three services that each end by themselves once,
 * two crashes of the engine at any point, and one re-exec.
 *
 * One process type for each party, one atomic block for each thing that the code does by one system call:
 *
 *      here                     there
 *      to_init, to_engine       the socket pair, both ends of which init keeps (src/init/again.c)
 *      j_*                      the journal as far as it is committed (src/daemon/journal.c)
 *      phase                    how far the present engine is; nothing else of it outlives it
 *      READ, POP_READ, REDO     recover.c, reconcile.c
 *      held                     a request for which the socket had no room: in the engine's memory only (os/initlink.c).
 *                               Meanwhile it hears what init says, and takes no step (run_queue(), engine_turn())
 *      j_performed, j_done      ENTRY_PERFORMED, which does not say that init has got it; ENTRY_DONE
 *
 * What is checked:
 *      never two processes of one service (assert in Init)
 *      no end of a process is lost, none is told twice (asserts in Engine)
 *      in the end everything runs and the engine knows it (ltl all_is_well), however it was interrupted
 *
 * Nothing here goes on for ever, so fairness need not be assumed.
 *
 * Mistakes that must be found, each by a -D: POP_FIRST takes a message before it is written down; BLIND_REDO asks again
 * for a spawn without looking whether it was answered; NO_REDO never asks again; EARLY_HELLO greets the new engine
 * before what the last one asked for is done; REAP_ALONE reaps while the socket is thrown away with the engine;
 * PERFORMED_IS_DONE takes a request that was held for sent; STEP_AHEAD takes the next step while one is held; DEAF hears of
 * the end of an engine only while there is room to tell it something. */

#define N        3      /* services */
#define ENDS     1      /* of each by itself */
#define CRASHES  2
#define REEXECS  1
#define ROOM     2      /* of each direction of the socket */
#define PENDING  8      /* events posted and not yet given to the core */

mtype = { SPAWN, SPAWNED, EXITED, HELLO };
mtype:core = { DOWN, STARTING, UP };
mtype:phase = { DEAD, READ, POP_READ, REDO, IDLE, POP_IDLE, PERFORM, DONE, POP_DONE };

chan to_init = [ROOM] of { mtype, byte, byte };                /* kind, service, incarnation */
chan to_engine = [ROOM] of { mtype, byte, byte };              /* kind, service or engine, incarnation */

/* the world */
byte live[N], zombie[N], life[N], ended[N];
/* init */
byte engines = 1;
bool hello_due;
/* the engine, and how often it was taken away */
mtype:phase phase = IDLE;
byte crashes, reexecs;
bool held;
byte held_s, held_i;
/* the journal */
mtype:core j_state[N];
byte j_inc[N];
bool j_mark;                                                   /* the message in front is the last that was written
                                                                * down: what the serial numbers are there to tell */
bool j_performed;                                              /* ... as far as the engine goes */
bool j_done = true;                                            /* the action of the last step has been performed */
byte j_act;                                                    /* whom it was about: SPAWN of j_inc[j_act] */
chan j_pending = [PENDING] of { mtype, byte, byte };

active proctype World()
{
end:    do
        :: atomic { ended[0] < ENDS && live[0] -> live[0]--; zombie[0]++; ended[0]++ }
        :: atomic { ended[1] < ENDS && live[1] -> live[1]--; zombie[1]++; ended[1]++ }
        :: atomic { ended[2] < ENDS && live[2] -> live[2]--; zombie[2]++; ended[2]++ }
        :: atomic { crashes < CRASHES && phase != DEAD -> crashes++; phase = DEAD; held = false; held_s = 0; held_i = 0;
#ifdef REAP_ALONE
                do :: to_engine ? _, _, _ :: empty(to_engine) -> break od
#endif
           }
        :: atomic { reexecs < REEXECS && phase == IDLE -> reexecs++; phase = DEAD }
        od
}

#define room_for_engine nfull(to_engine)

active proctype Init()
{
        byte s, i;

end:    do
        /* a request, of whichever engine: only while there is room to answer it */
        :: atomic { room_for_engine && to_init ? [SPAWN, _, _] ->
                to_init ? SPAWN, s, i;
                assert(live[s] == 0 && zombie[s] == 0);        /* never a second copy */
                live[s] = 1; life[s] = i;
                to_engine ! SPAWNED, s, i; s = 0; i = 0 }
        /* a child that has ended; while there is no engine the zombies are the queue */
#ifdef REAP_ALONE
        :: atomic { room_for_engine && (zombie[0] || zombie[1] || zombie[2]) ->
#else
        :: atomic { phase != DEAD && room_for_engine && (zombie[0] || zombie[1] || zombie[2]) ->
#endif
                if :: zombie[0] -> s = 0 :: zombie[1] -> s = 1 :: zombie[2] -> s = 2 fi;
                zombie[s]--;
                to_engine ! EXITED, s, life[s]; life[s] = 0; s = 0 }
        /* the next engine */
#ifdef DEAF
        :: atomic { phase == DEAD && room_for_engine -> engines++; hello_due = true; phase = READ }
#else
        :: atomic { phase == DEAD -> engines++; hello_due = true; phase = READ }
#endif
        /* it is greeted once everything its predecessors asked for has been answered */
#ifdef EARLY_HELLO
        :: atomic { hello_due && room_for_engine ->
#else
        :: atomic { hello_due && empty(to_init) && room_for_engine ->
#endif
                hello_due = false; to_engine ! HELLO, engines, 0 }
        od
}

/* Look at the message in front; write it down before it is taken. */
inline look(next)
{
        to_engine ? <k, s, i>;
        if
        :: k == HELLO && next == POP_READ && s == engines -> to_engine ? k, s, i; phase = REDO
        :: k == HELLO && !(next == POP_READ && s == engines) -> to_engine ? k, s, i
        :: j_mark -> to_engine ? k, s, i; j_mark = false /* dealt with by the one before us */
        :: k != HELLO && !j_mark ->
#ifdef POP_FIRST
                to_engine ? k, s, i;
                phase = next                                   /* ... and POP_* writes it down */
#else
                j_mark = true; j_pending ! k, s, i;
                phase = next
#endif
        fi
}

inline take(next)
{
#ifdef POP_FIRST
        j_pending ! k, s, i;
#else
        to_engine ? k, s, i; j_mark = false;
#endif
        phase = next; k = 0; s = 0; i = 0
}

active proctype Engine()
{
        mtype k;
        byte s, i;
        bool answered;

end:    do
        :: atomic { phase == READ && nempty(to_engine) -> look(POP_READ) }
        :: atomic { phase == POP_READ -> take(READ) }
        /* the last step of the one before us: what it asked for, unless init has answered it */
        :: atomic { phase == REDO ->
                answered = (j_state[j_act] == UP) || j_pending ?? [SPAWNED, eval(j_act), eval(j_inc[j_act])];
#ifdef NO_REDO
                answered = true;
#endif
#ifdef PERFORMED_IS_DONE
                answered = answered || j_performed;
#endif
#ifdef BLIND_REDO
                answered = false;
#endif
                if
                :: j_done || answered -> j_done = true; j_performed = false; j_act = 0; phase = IDLE
                :: else -> phase = PERFORM
                fi; answered = false }
        :: atomic { phase == IDLE && nempty(to_engine) -> look(POP_IDLE) }
        :: atomic { phase == POP_IDLE -> take(IDLE) }
        /* a step: the decision and what it asks for are written by one call */
        :: atomic { phase == IDLE && nempty(j_pending) ->
                j_pending ? k, s, i;
                if
                :: k == SPAWNED -> assert(j_state[s] == STARTING && j_inc[s] == i); j_state[s] = UP
                :: k == EXITED -> assert(j_state[s] == UP && j_inc[s] == i); /* none twice, none before its start */
                        j_state[s] = STARTING; j_inc[s]++; j_act = s; j_done = false; phase = PERFORM
                fi; k = 0; s = 0; i = 0 }
        :: atomic { phase == IDLE && empty(j_pending) && (j_state[0] == DOWN || j_state[1] == DOWN || j_state[2] == DOWN) ->
                if :: j_state[0] == DOWN -> s = 0 :: j_state[1] == DOWN -> s = 1 :: j_state[2] == DOWN -> s = 2 fi;
                j_state[s] = STARTING; j_inc[s]++; j_act = s; j_done = false; phase = PERFORM; s = 0 }
        :: atomic { phase == PERFORM && !held ->
                if
                :: nfull(to_init) -> to_init ! SPAWN, j_act, j_inc[j_act]
                :: full(to_init) -> held = true; held_s = j_act; held_i = j_inc[j_act]
                fi; j_performed = true; phase = DONE }
        :: atomic { held && phase != DEAD && nfull(to_init) -> to_init ! SPAWN, held_s, held_i; held = false; held_s = 0; held_i = 0 }
        :: atomic { phase == DONE && held && nempty(to_engine) -> look(POP_DONE) }
        :: atomic { phase == POP_DONE -> take(DONE) }
#ifdef STEP_AHEAD
        :: atomic { phase == DONE ->
#else
        :: atomic { phase == DONE && !held ->
#endif
                j_done = true; j_performed = false; j_act = 0; phase = IDLE }
        od
}

init { atomic { j_state[0] = DOWN; j_state[1] = DOWN; j_state[2] = DOWN } }

#define well (live[0] && live[1] && live[2] && j_state[0] == UP && j_state[1] == UP && j_state[2] == UP)
ltl all_is_well { <> [] well }
