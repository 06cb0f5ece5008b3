#!/bin/sh
# worker.sh - takes one job after another off a list in redis, counts it there, and writes the page that nginx serves.
set -u
ask() { redis-cli -h 127.0.0.1 -p "$DEMO_REDIS_PORT" --raw "$@"; }

page() {
        printf '<h1>%s jobs done</h1>\n<p>the last one: %s</p>\n' "$1" "$2" >"$DEMO/web/www/index.html.new" &&
                mv "$DEMO/web/www/index.html.new" "$DEMO/web/www/index.html"
}

[ "$(ask PING)" = PONG ] || { echo "redis does not answer" >&2; exit 1; }
page "$(ask GET done)" "none since this worker, process $$, has started"
echo >&3                                # ready
exec 3>&-

while :; do
        job=$(ask BLPOP jobs 0 | tail -n 1)             # waits until there is one
        [ -n "$job" ] || { echo "lost the connection to redis" >&2; exit 1; }
        number=$(ask INCR done) || exit 1
        page "$number" "$job, by process $$"
        echo "job $job done, number $number"
done
