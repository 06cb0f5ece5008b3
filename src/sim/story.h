/* story.h - what is told while a script is played: in words or as JSON lines. Used by simulate.c and change.c. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "base/json.h"
#include "sim/simulate.h"

enum { STORY_LIVES = 512 };

struct story {
        const struct simulate_options *options;
        struct core *core;
        node_id began[STORY_LIVES], ended[STORY_LIVES]; /* lives since the last mark, in order */
        size_t began_count, ended_count;
        unsigned unmet;
};

/* Each adds what people are to read to the story: a record, a step of the script, whether an expectation was met
 * (`found`: what there was instead), a remark, the end. */
void story_record(struct story *t, nsec now, const struct record *r);
void story_step(struct story *t, nsec now, const struct script_step *s);
void story_expect(struct story *t, nsec now, const struct script *script, const struct script_step *s, bool met,
                  const char *found);
void story_note(struct story *t, nsec now, const char *text);
void story_end(struct story *t, nsec now, bool over, int code);

#endif
