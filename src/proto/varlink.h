/* varlink.h - the server's half of the protocol above the frames: requests read, replies written.
 *
 * A request is {"method": text, "parameters"?: object, "more"?: bool, "oneway"?: bool, "upgrade"?: bool}.
 * A reply is {"parameters": object, "continues"?: true} or {"error": text, "parameters": object}.
 * Parameters are read one by one by name; what is then left over is refused, so nothing a client sends can name
 * anything the method does not know (FAILURES G12). */
#ifndef PROTO_VARLINK_H
#define PROTO_VARLINK_H

#include <jansson.h>

#include "base/json.h"

/* --- requests ------------------------------------------------------------------------------------------------ */

#define CALL_PARAMS_MAX 12

struct varlink_call {
        json_t *root;           /* owned */
        const char *method;     /* into root, as are the parameters */
        json_t *params;         /* borrowed; NULL when none were sent */
        bool more, oneway;
        const char *bad;        /* the parameter that is wrong; the first complaint stays */
        const char *taken[CALL_PARAMS_MAX];
        size_t taken_count;
};

/* Read one request; -EBADMSG when it is no Varlink call (the connection cannot be trusted further), -ENOMEM. */
int varlink_call_parse(struct varlink_call *c, const char *text, size_t len);
void varlink_call_free(struct varlink_call *c);

/* One parameter; null counts as absent. A missing optional one gives the value named; a wrong type or a missing
 * required one is remembered in c->bad. Texts are borrowed from the call. */
const char *param_str(struct varlink_call *c, const char *name, bool required);
bool param_bool(struct varlink_call *c, const char *name);           /* absent = false */
bool param_has(const struct varlink_call *c, const char *name);
int64_t param_int(struct varlink_call *c, const char *name, int64_t absent);
/* A list of texts (jansson array, checked), NULL when absent. */
json_t *param_texts(struct varlink_call *c, const char *name, bool required);

/* After the last one: true when all were good and none is left over; else c->bad names the culprit. */
bool params_done(struct varlink_call *c);

/* --- replies ------------------------------------------------------------------------------------------------- */

/* Begin a reply: what is written next are its parameters. error is NULL or a qualified name. */
struct json varlink_reply_open(struct buf *out, const char *error);

/* End it, NUL included. */
void varlink_reply_close(struct json *j, bool continues);

#endif
