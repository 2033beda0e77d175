"""One module a contender: `build(graph)` prepares once, `run(prepared)` runs it and gives the sink's value.

`VERSION` names what is measured, `MODEL` says in a few words how it schedules.
"""
