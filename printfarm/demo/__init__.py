"""The shop of `printfarm demo`: made once through the same services that people use, then kept moving by a visitor.

Stands outside the order of the areas, as the command line does.
"""

from printfarm.demo.shop import DemoShop, NotADemo, make_shop, sign_in_link
from printfarm.demo.visitor import Visitor

__all__ = ["DemoShop", "NotADemo", "Visitor", "make_shop", "sign_in_link"]
