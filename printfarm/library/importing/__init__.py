"""A folder, or a zip of it, becomes models and variants: listed and looked into first, then taken in file by file.

layout says what becomes what, plan what a person wants otherwise; looking and taking do one file each, and running does one
after the other in short transactions, so that it stops and goes on anywhere. ADR 0029.
"""
