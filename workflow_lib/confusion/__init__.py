"""The confusion study: networks trained with two classes mixed up, and what the others lose by it (SCIENCE 3)."""
