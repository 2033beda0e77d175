"""Latency engineering with the standard library only: task graphs, speculation, prompts, prefix caches,
prices, time.

`graph` says what is to be done, `schedule` decides what may run, `runner` runs it on asyncio, `streaming`
hands out its outputs, `growing` runs it while it is being written, and `simulation` on a virtual clock;
`prompt`, `cache`, `warming`, `timing`, `pricing` and `routing` are the models of calls to a model. All of it
leaves `trace.Trace`s. Import the modules; this package itself loads nothing.
"""
