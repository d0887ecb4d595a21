"""Atomic files: zipped Zarr stores, CSV and Parquet tables, scratch folders, checkpoints."""
