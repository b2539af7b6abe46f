"""Whole files, sealed directories and safe arrays.

whole.py: files and directories that appear whole or not at all.
sealed.py: a manifest with checksums, and the check of it.
npy.py: the bytes of a .npy file to an array.
"""
