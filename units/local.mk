# Worked examples; tests/bats/units.bats loads every one of them.
EXAMPLE_UNITS = \
	units/examples/common/heartbeat.service \
	units/examples/common/migrate.service \
	units/examples/common/nginx.service \
	units/examples/common/postgres.service \
	units/examples/common/redis.service \
	units/examples/common/sshd.service \
	units/examples/common/worker@.service \
	units/examples/common/workers.supervisor \
	units/examples/machine/root.supervisor \
	units/examples/machine/mounts.service \
	units/examples/machine/loopback.service \
	units/examples/machine/hostname.service \
	units/examples/machine/services.supervisor \
	units/examples/machine/getty@.service \
	units/examples/machine/emergency.service \
	units/examples/container/main.service \
	units/examples/container/root.supervisor \
	units/examples/container/sidecar.service \
	units/examples/demo/app.supervisor \
	units/examples/demo/nginx.conf.in \
	units/examples/demo/redis.service \
	units/examples/demo/shop.supervisor \
	units/examples/demo/web.service \
	units/examples/demo/worker.service \
	units/examples/demo/worker.sh \
	units/examples/simulate/api.service \
	units/examples/simulate/db.service \
	units/examples/simulate/give-up.sim \
	units/examples/simulate/hang.sim \
	units/examples/simulate/heal.sim \
	units/examples/simulate/mailer.service \
	units/examples/simulate/metrics.service \
	units/examples/simulate/shop.supervisor \
	units/examples/simulate/stop.sim

# In C, with libcoppice.
EXAMPLE_UNITS += \
	units/examples/gossip/Makefile units/examples/gossip/README.md units/examples/gossip/gossip-node.c \
	units/examples/gossip/gossip.supervisor units/examples/gossip/node@.service \
	units/examples/heartbeat/Makefile units/examples/heartbeat/README.md units/examples/heartbeat/heartbeat.c \
	units/examples/heartbeat/heartbeat.service \
	units/examples/pool/Makefile units/examples/pool/README.md units/examples/pool/pool.c units/examples/pool/pool-backend.c \
	units/examples/pool/pool-client.c units/examples/pool/bank.supervisor units/examples/pool/backend.service \
	units/examples/pool/pool.service units/examples/pool/client@.service

# Joined by pipes.
EXAMPLE_UNITS += \
	units/examples/pipeline/Makefile \
	units/examples/pipeline/README.md \
	units/examples/pipeline/encode.service \
	units/examples/pipeline/halve.service \
	units/examples/pipeline/loud.channel \
	units/examples/pipeline/media.c \
	units/examples/pipeline/media.supervisor \
	units/examples/pipeline/meter.service \
	units/examples/pipeline/quiet.channel \
	units/examples/pipeline/tone.service

# In sh.
EXAMPLE_UNITS += \
	units/examples/health/README.md units/examples/health/clinic.supervisor units/examples/health/steady.service \
	units/examples/health/flaky.service units/examples/health/monitor.service units/examples/health/flaky-worker \
	units/examples/health/health-monitor \
	units/examples/tasks/README.md units/examples/tasks/tasks.supervisor units/examples/tasks/manager.service \
	units/examples/tasks/task@.service units/examples/tasks/task-manager units/examples/tasks/task-worker

EXAMPLE_UNITS += \
	units/examples/counter/README.md units/examples/counter/counter units/examples/counter/counter.service \
	units/examples/counter/tally.supervisor units/examples/counter/visitor units/examples/counter/visitor.service

EXAMPLE_UNITS += \
	units/examples/sum/README.md units/examples/sum/consumer units/examples/sum/consumer.service \
	units/examples/sum/numbers.channel units/examples/sum/producer units/examples/sum/producer@.service \
	units/examples/sum/sum.supervisor

EXAMPLE_UNITS += \
	units/examples/pair/README.md units/examples/pair/keeper units/examples/pair/keeper.service \
	units/examples/pair/pair.supervisor units/examples/pair/writer.service

EXAMPLE_UNITS += \
	units/examples/bank/README.md units/examples/bank/account units/examples/bank/account.service \
	units/examples/bank/bank.supervisor

EXAMPLE_UNITS += \
	units/examples/trace/README.md units/examples/trace/clerk.service units/examples/trace/front.service \
	units/examples/trace/hop units/examples/trace/orders.channel units/examples/trace/packer.service \
	units/examples/trace/parcels.channel units/examples/trace/shop.supervisor units/examples/trace/trace

exampledir = $(docdir)
nobase_dist_example_DATA = $(EXAMPLE_UNITS)
dist_doc_DATA = README.md ARCHITECTURE.md HACKING.md SECURITY.md CHANGELOG.md LICENSE
