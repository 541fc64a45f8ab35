"""The program's version; the package's metadata and the hub's own constant agree with it (a test compares)."""

__version__ = "0.1.0"
