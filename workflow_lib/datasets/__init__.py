"""Data of any origin in, canonical train and test splits (or given features) out; imports nothing by itself."""
