"""Files that appear whole: zipped Zarr stores, CSV and Parquet tables, scratch folders."""
