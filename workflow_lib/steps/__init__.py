"""One function per rule: named input paths and a spec in, named output paths out."""
