/* slice.h - the share of a processor that this process takes at a time.
 *
 * May be used by: init, daemon, tests.  May use: libc only. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

/* Ask for short slices (Linux 6.12 and later): who runs little and seldom, and is waited for, then gets the processor
 * at once where others compute, and gives it back sooner; its share stays the same. Children do not inherit it. Does
 * nothing where somebody has already chosen: another policy, a better nice (which children would lose). A wish: what
 * the kernel says to it does not matter. */
void slice_short(void);

#endif
