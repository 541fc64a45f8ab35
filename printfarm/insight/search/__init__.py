"""One box for everything: models, variants, filaments, spools, jobs and printers, by words, by short codes and by filters.

`tokens` folds words, `documents` says by which words each thing is found, `keeping` keeps the index true, `asking` asks it on
either database, `correcting` guesses what was meant, `finding` puts the answer together.
"""

from printfarm.insight.search.finding import KINDS, SHOWN, Filters, Found, Group, by_code, find

__all__ = ["KINDS", "SHOWN", "Filters", "Found", "Group", "by_code", "find"]
