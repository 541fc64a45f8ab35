"""How the four processes start, live and stop. Knows settings and processes, and no business rule."""
