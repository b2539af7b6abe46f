"""Whole files, sealed directories and safe arrays."""
