/* program.pml - an engine that takes over dies: of what it takes over, or of itself? Every interleaving of init's tries
 * (src/init/again.c, check.c) with somebody who replaces the program by one that does not work, or is missing, and
 * by a good one again, at any moment; of the state it is tried both that it can be taken over and that it cannot.
 *
 * What is checked:
 *      the state is given up only if it cannot be taken over (assert in Engine)
 *      in the end there is an engine (ltl comes_up)
 *
 * Mistakes that must be found, each by a -D: NO_CHECK blames the state without having tried the program alone;
 * ONE_CHECK tries it alone only after the last of the tries that count. */

#define MAX      3      /* INIT_UNBORN_MAX */
#define CHANGES  2      /* of the program: to a bad one, and back */

mtype = { NONE, CHECK, ENGINE };
mtype:program = { GOOD, BAD, MISSING };

mtype running = NONE;
mtype:program program = GOOD, has = GOOD;      /* on disk; of the one that runs */
bool bad_state, up, broken, checked, dropped;
byte changes, unborn;

active proctype World()
{
        if :: bad_state = true :: true fi;
end:    do
        :: atomic { changes < CHANGES && program == GOOD -> changes++; if :: program = BAD :: program = MISSING fi }
        :: atomic { changes < CHANGES && program != GOOD -> changes++; program = GOOD }
        od
}

#if defined NO_CHECK
#define due broken
#elif defined ONE_CHECK
#define due (broken || (unborn >= MAX && !checked))
#else
#define due (broken || (unborn + 1 >= MAX && !checked))
#endif

active proctype Init()
{
end:    do
        /* one that is known not to work is tried alone for ever: all but the try that succeeds leave all as it is */
        :: atomic { running == NONE && !up && broken && program == GOOD -> has = GOOD; running = CHECK }
        :: atomic { running == NONE && !up && !broken && due -> has = program; running = CHECK }
        :: atomic { running == NONE && !up && !due -> has = program; checked = false; running = ENGINE }
        :: atomic { running == CHECK && has == GOOD -> checked = true; running = NONE;
                if :: broken -> broken = false; unborn = 0 :: else fi }
        :: atomic { running == CHECK && has != GOOD -> broken = true; running = NONE }
        :: atomic { running == ENGINE && has == MISSING -> broken = true; running = NONE }
        :: atomic { running == ENGINE && has == BAD -> unborn++; running = NONE }
        :: atomic { running == ENGINE && has == GOOD && unborn < MAX && bad_state -> unborn++; running = NONE }
        :: atomic { running == ENGINE && has == GOOD && unborn < MAX && !bad_state -> up = true; running = NONE }
        :: atomic { running == ENGINE && has == GOOD && unborn >= MAX ->
                assert(bad_state); dropped = true; up = true; running = NONE }
        od
}

ltl comes_up { <> [] up }
