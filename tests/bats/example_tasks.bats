# units/examples/tasks: a task manager that spawns workers, which put events of their own into the records.

load lib
load script_example

setup()    { world; script_example tasks; }
teardown() { end_world; }

@test "the task manager spawns a worker for each task, tells how it ended, and the workers' own events are in the records" {
        start_daemon
        wait_state /tasks/manager running
        run ctl ask manager --topic task good1
        assert_status 0; assert_output_has done
        run ctl ask manager --topic task bad1
        assert_status 0; assert_output_has 'failed: exit:3'
        run ctl ask manager --topic task ../../etc
        assert_status 0; assert_output_has refused
        wait_for "$PATIENCE" recorded 'says: good1: step 3 of 3'
        wait_for "$PATIENCE" recorded '/tasks/manager: says: task bad1 ended: exit:3'
        run ctl list --json; refute_output_has task@
}
