"""The inventory as a sheet (CSV), out and in: our own columns, or those that Spoolman's users know."""
