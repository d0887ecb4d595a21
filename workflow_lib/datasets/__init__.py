"""Data of any origin in, canonical train and test splits (or imported features) out; imports nothing by itself."""
