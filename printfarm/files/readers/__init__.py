"""Readers of slicer files."""
