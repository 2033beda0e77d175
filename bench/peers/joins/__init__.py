"""A join that may begin with its first branch, as far as each contender can say it in a few lines.

`run(branches, receive)`: the branches (seconds by name) run at once; what answers calls `receive` with the name of
each branch whose result it gets, when it gets it.
"""
