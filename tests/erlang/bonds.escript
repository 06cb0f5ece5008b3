#!/usr/bin/env escript
%% bonds.escript - what Erlang does about links, monitors, exit signals and names: prints the table that
%% tests/unit/bond.c holds the core against. See README.
%%
%% A line: SCENARIO TRAP REASON = FATE [MESSAGE...]     FATE and messages are those of the process called b
-mode(compile).

main(_) ->
    [row(S, T, R) || S <- [link, linked_by, unlinked, linked_twice, chain, monitor, monitor_twice, demonitor,
                           watched, sent, sent_by_itself], T <- [off, on], R <- [normal, shutdown, boom, killed]],
    [row(S, T, none) || S <- [link_noproc, monitor_noproc], T <- [off, on]],
    [row(S, off, none) || S <- [register_twice, register_other, whereis_gone, unregister]],
    ok.

row(S, T, R) ->
    {Fate, Messages} = run(S, T, R),
    io:format("~s ~s ~s = ~s~s~n", [S, T, R, Fate, [[" ", M] || M <- Messages]]).

%% --- processes -----------------------------------------------------------------------------------------------------

%% Does what it is told, keeps what it hears.
actor(Heard) ->
    receive
        {do, From, F} -> From ! {done, F()}, actor(Heard);
        {heard, From} -> From ! {heard, lists:reverse(Heard)}, actor(Heard);
        {leave, Reason} -> exit(Reason);
        {leave_by_signal, Reason} -> exit(self(), Reason), actor(Heard);
        M -> actor([M | Heard])
    end.

new() -> spawn(fun() -> actor([]) end).
do(P, F) -> P ! {do, self(), F}, receive {done, X} -> X after 1000 -> dead end.

%% b and the one that watches its fate
b(Trap) ->
    B = new(),
    do(B, fun() -> process_flag(trap_exit, Trap == on) end),
    B.

ends(A, killed) -> exit(A, kill), gone(A);
ends(A, R) -> A ! {leave, R}, gone(A).

gone(P) -> M = monitor(process, P), receive {'DOWN', M, _, _, R} -> R end.

settle() -> receive after 20 -> ok end.

fate(B) -> settle(), fate(B, whereis_alive(B)).
fate(B, true) ->
    B ! {heard, self()},
    receive {heard, L} -> {"lives", [say(M) || M <- L]} end;
fate(B, false) -> {["ends:", reason(get({why, B}))], []}.

whereis_alive(B) -> is_process_alive(B).

%% Its reason is seen by a monitor that was there before.
watch(B) ->
    Me = self(),
    spawn(fun() -> M = monitor(process, B), Me ! watching, receive {'DOWN', M, _, _, R} -> Me ! {why, B, R} end end),
    receive watching -> ok end.

outcome(B) ->
    settle(),
    receive {why, B, R} -> put({why, B}, R) after 0 -> ok end,
    fate(B).

say({'EXIT', _, R}) -> ["EXIT:", reason(R)];
say({'DOWN', _, process, _, R}) -> ["DOWN:", reason(R)].

reason(R) -> atom_to_list(R).

%% --- scenarios -----------------------------------------------------------------------------------------------------

run(link, T, R) -> A = new(), B = b(T), watch(B), do(B, fun() -> link(A) end), ends(A, R), outcome(B);
run(linked_by, T, R) -> A = new(), B = b(T), watch(B), do(A, fun() -> link(B) end), ends(A, R), outcome(B);
run(unlinked, T, R) ->
    A = new(), B = b(T), watch(B), do(B, fun() -> link(A) end), do(A, fun() -> unlink(B) end), ends(A, R), outcome(B);
run(linked_twice, T, R) ->
    A = new(), B = b(T), watch(B), do(B, fun() -> link(A) end), do(A, fun() -> link(B) end), ends(A, R), outcome(B);
run(chain, T, R) ->
    A = new(), M = b(off), B = b(T), watch(B),
    do(M, fun() -> link(A), link(B) end), ends(A, R), outcome(B);
run(monitor, T, R) -> A = new(), B = b(T), watch(B), do(B, fun() -> monitor(process, A) end), ends(A, R), outcome(B);
run(monitor_twice, T, R) ->
    A = new(), B = b(T), watch(B), do(B, fun() -> monitor(process, A), monitor(process, A) end), ends(A, R), outcome(B);
run(demonitor, T, R) ->
    A = new(), B = b(T), watch(B), do(B, fun() -> demonitor(monitor(process, A)) end), ends(A, R), outcome(B);
run(watched, T, R) -> A = new(), B = b(T), watch(B), do(A, fun() -> monitor(process, B) end), ends(A, R), outcome(B);
run(sent, T, R) -> A = new(), B = b(T), watch(B), do(A, fun() -> exit(B, sent(R)) end), outcome(B);
run(sent_by_itself, T, R) -> B = b(T), watch(B), B ! {leave_by_signal, sent(R)}, outcome(B);
run(link_noproc, T, _) -> A = new(), ends(A, boom), B = b(T), watch(B), B ! {do, self(), fun() -> catch link(A) end},
    settle(), flush_done(), outcome(B);
run(monitor_noproc, T, _) -> A = new(), ends(A, boom), B = b(T), watch(B), do(B, fun() -> monitor(process, A) end), outcome(B);
run(register_twice, _, _) ->
    A = new(), B = b(off), register(n, A),
    R = try register(n, B), "ok" catch error:badarg -> "exists" end, unregister(n), {R, []};
run(register_other, _, _) ->
    A = new(), B = b(off), register(n, A), register(m, B), R = whereis(m) == B andalso whereis(n) == A,
    unregister(n), unregister(m), {case R of true -> "ok"; false -> "wrong" end, []};
run(whereis_gone, _, _) ->
    A = new(), register(n, A), ends(A, normal), {case whereis(n) of undefined -> "gone"; _ -> "there" end, []};
run(unregister, _, _) ->
    A = new(), register(n, A), unregister(n), {case whereis(n) of undefined -> "gone"; _ -> "there" end, []}.

sent(killed) -> kill;
sent(R) -> R.

flush_done() -> receive {done, _} -> ok after 0 -> ok end.
