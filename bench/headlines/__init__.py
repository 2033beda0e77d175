"""The source's headline results, each sent as real HTTP through the real SDK to a server on the loopback."""
