"""The shop of `printfarm demo`: made once through the same services that people use, then kept moving by a visitor.

Stands outside the order of the areas, as the command line does. Imports nothing here: the supervisor reads the catalogue and
stays small.
"""
