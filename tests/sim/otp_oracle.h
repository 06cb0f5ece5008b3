/* otp_oracle.h - what Erlang's supervisor would do, said directly.
 *
 * A second, independent reading of the same semantics that the core implements: supervisors with message queues
 * and synchronous starts and stops, exactly as a gen_server would run them. It shares no line and no idea with the
 * core, which is event-driven; so where both agree, neither is likely to be wrong in the same way.
 * It is itself held against the vectors recorded from the real OTP (tests/otp/). The format of vectors and
 * observations is that of tests/otp/FORMAT.md.
 *
 * Used by: otp_check.c, otp_random.c.  Uses: jansson. */
#ifndef TESTS_SIM_OTP_ORACLE_H
#define TESTS_SIM_OTP_ORACLE_H

#include <jansson.h>

/* Run a vector's tree and script. Returns [[OBS, ...], ...] as in "expect"; NULL with a message on standard error
 * when the vector is malformed. The caller owns the result. */
json_t *oracle_run(const json_t *vector);

/* A random vector with its "expect" filled in by the oracle; the same (seed, number) gives the same vector. */
json_t *oracle_random_vector(uint64_t seed, unsigned number);

#endif
