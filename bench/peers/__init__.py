"""The engine beside other engines: the same graphs, the same tool, the same questions."""
