"""Turns under crashes: what clients were told, held against what is there afterwards."""
