"""Looking at every page: a demo shop, a walk over its links, pictures of what is found, and what axe-core says of it."""
