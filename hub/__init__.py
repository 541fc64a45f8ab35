"""The hub: the program that talks to printers and tells web about them. It imports nothing from printfarm."""

__version__ = "0.1.0"
