/* The map of living processes: whatever the order of births and deaths, it says the same as a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/engine_priv.h"
#include "daemon/pids.h"

enum { PIDS = 2000, ROUNDS = 200000 };

static uint64_t next_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

static void a_map_equals_a_plain_array_after_any_births_and_deaths(void **state)
{
        static node_id model[PIDS]; /* 0 = not there */
        struct pid_map m = { 0 };
        uint64_t seed = 88172645463325252U;

        (void) state;
        for (uint32_t round = 1; round <= ROUNDS; round++) {
                /* Strided pids collide in the table as real ones do after a wrap. */
                uint32_t at = (uint32_t) (next_random(&seed) % PIDS);
                pid_t pid = (pid_t) (2 + at * 64);

                if (next_random(&seed) % 2) {
                        assert_int_equal(pid_map_put(&m, (struct pid_entry) { .pid = pid, .node = round }), 0);
                        model[at] = round;
                } else {
                        pid_map_drop(&m, pid);
                        model[at] = 0;
                }
                at = (uint32_t) (next_random(&seed) % PIDS);
                const struct pid_entry *found = pid_map_get(&m, (pid_t) (2 + at * 64));

                assert_int_equal(found ? found->node : 0, model[at]);
        }
        pid_map_free(&m);
}

static void an_empty_map_knows_nobody(void **state)
{
        struct pid_map m = { 0 };

        (void) state;
        assert_null(pid_map_get(&m, 1));
        pid_map_drop(&m, 1);
        assert_null(pid_map_get(&m, 0));
        pid_map_free(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_map_equals_a_plain_array_after_any_births_and_deaths),
                cmocka_unit_test(an_empty_map_knows_nobody),
        };

        return cmocka_run_group_tests_name("pids", tests, NULL, NULL);
}
