"""What several forms of filament ask for."""

from decimal import Decimal

from wtforms.validators import NumberRange

WEIGHT = NumberRange(Decimal(0), Decimal(50_000), "In grams, from 0 to 50,000.")
ADDRESS = "Write an address that begins with https://."
