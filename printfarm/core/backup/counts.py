"""Rows per table: what a backup promises and a restore must find."""


def compare(wanted: dict[str, int], counted: dict[str, int]) -> None:
    """Raise ValueError with a sentence when the counts differ."""
    names = sorted(name for name in wanted.keys() | counted.keys() if wanted.get(name) != counted.get(name))
    if names:
        listed = ", ".join(f"{name} {counted.get(name, 0)} instead of {wanted.get(name, 0)}" for name in names)
        raise ValueError(f"its rows are not those that were saved: {listed}")
