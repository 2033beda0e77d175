"""Measurements. Nothing here is imported by the product; `make bench` writes `REPORT.md` and `report.json`."""
