/* record.h - the memory of decisions: one record for each thing that happened and each thing that was decided,
 * with the number of the record that caused it. `events`, `why`, `deaths`, the log lines and `simulate` all print
 * these; nothing else explains anything. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "core/event.h"

/* The rows are in rules.def, which says what a sentence may contain. */
enum rule {
#define RULE(id, name, directive, text) RULE_##id,
#include "core/rules.def"
#undef RULE
        RULE_COUNT
};

/* What a start that is given up has been waiting for. Journals have the numbers: each keeps its meaning. */
enum late { LATE_UNKNOWN, LATE_CHECK, LATE_COMMAND, LATE_READY, LATE_NOTIFY_FD, LATE_PID_FILE, LATE_COUNT };

struct record {
        uint64_t seq;          /* 1, 2, 3 ... for the life of the daemon */
        nsec at;
        uint64_t cause;        /* seq of the record that led here; 0 = a first cause */
        node_id node;
        node_id other;         /* the second node of the sentence, or NODE_NONE */
        uint32_t incarnation;
        uint8_t rule;          /* enum rule */
        uint8_t from, to;      /* enum state, before and after; equal when the state did not change */
        uint8_t event;         /* enum event_kind that was being handled */
        struct reason reason;
        int64_t a, b;
};

struct rule_row {
        const char *name;      /* stable, for JSON: "intensity_exceeded" */
        int directive;         /* the directive whose line is quoted, D_NONE (D_COUNT) if none */
        const char *text;
};
extern const struct rule_row rule_rows[RULE_COUNT];

#endif
