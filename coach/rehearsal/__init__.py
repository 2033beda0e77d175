"""The rehearsal server: the Messages API on the loopback, without a model behind it.

It has the streaming, the cache, the usage, the limits and the faults of a provider, at the engine's rates
and by the engine's rules; its words are its own and say so. Tests, the bench and a developer without a key
use it. Standard library and `coach.engine` only: `server.Rehearsal` in a running loop, or
`python -m coach.rehearsal` as a process of its own. Import the modules; this package itself loads nothing.
"""
