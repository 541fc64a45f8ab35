"""What a variant costs to produce: line by line, exact, and what is unknown is said to be unknown."""

from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from printfarm.accounts.models import Shop
from printfarm.core.work import unit_of_work
from printfarm.filament.models import Filament
from printfarm.library.costs import costs_of
from printfarm.library.models import FilamentRequirement, Plate
from tests.support.uploads import add_variant, offered, sliced

RATES = {
    "electricity_per_kwh": "0.32",
    "printer_power_w": "120",
    "machine_per_hour": "0.5",
    "labour_per_hour": "30",
    "labour_minutes_per_print": "5",
}


@pytest.fixture
def variant(olga, tmp_path):
    """20 minutes, one slot of 100 g."""
    made = add_variant(olga, sliced(tmp_path, title="Fox"))
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        (need,) = db.scalars(select(FilamentRequirement))
        need.total_mg = 100_000
    return made


def change(person, kind, **values) -> None:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        (row,) = db.scalars(select(kind))
        for name, value in values.items():
            setattr(row, name, value)


def set_rates(adam, **changes: str) -> None:
    form = {**offered(adam.get("/shop"), "main form"), **RATES, **changes}
    assert adam.post("/shop", form).status == 303


def lines(page) -> dict[str, tuple[str, str]]:
    found = {}
    for row in page.all("#costs tr"):
        words = row.th.small.extract().get_text() if row.th.small else ""
        found[row.th.get_text()] = (words, row.td.get_text(strip=True))
    return found


def test_every_part_has_its_formula_and_they_add_up(adam, bob, variant) -> None:
    change(adam, Filament, cost_per_gram=Decimal("0.025"), brand="Acme", material="PLA", colour_name="Red")
    set_rates(adam)
    assert lines(bob.get(f"/library/variants/{variant}")) == {
        "Acme PLA Red": ("100 g × €0.025/g", "€2.50"),
        "Electricity": ("20 min × 120 W × €0.32 per kWh", "€0.01"),
        "Machine": ("20 min × €0.50 per hour", "€0.17"),
        "Labour": ("5 min × €30.00 per hour", "€2.50"),
        "In all": ("", "€5.18"),
    }


def test_a_rate_that_is_not_set_is_not_counted_and_said_so(adam, olga, bob, variant) -> None:
    change(adam, Filament, cost_per_gram=Decimal("0.025"))
    page = bob.get(f"/library/variants/{variant}")
    assert list(lines(page).values())[-1] == ("", "€2.50")
    assert "Not counted: electricity, machine, labour." in page.one("#costs").get_text()
    assert page.one("#costs a")["href"] == "/shop#rates"
    set_rates(adam, electricity_per_kwh="", labour_minutes_per_print="")
    assert "Not counted: electricity, labour." in bob.get(f"/library/variants/{variant}").one("#costs").get_text()


def test_what_is_unknown_is_never_nothing(adam, bob, variant) -> None:
    set_rates(adam)
    change(adam, Filament, brand="Acme", material="PLA", colour_name="Red")
    found = lines(bob.get(f"/library/variants/{variant}"))
    assert found["Acme PLA Red"] == ("100 g, but this filament has no price yet.", "Unknown")
    assert found["Known so far"] == ("without Acme PLA Red", "€2.68")
    change(adam, FilamentRequirement, filament_id=None)
    found = lines(bob.get(f"/library/variants/{variant}"))
    assert found["Filament of slot 1"] == ("It is not decided which filament it is.", "Unknown")
    change(adam, Plate, duration_s=None)
    found = lines(bob.get(f"/library/variants/{variant}"))
    assert found["Electricity"] == found["Machine"] == ("The file does not say how long it takes.", "Unknown")
    assert found["Labour"][1] == "€2.50"


def test_a_weight_that_the_file_does_not_say(adam, bob, variant) -> None:
    change(adam, Filament, cost_per_gram=Decimal("0.025"), brand="Acme", material="PLA", colour_name="Red")
    change(adam, FilamentRequirement, total_mg=None)
    found = lines(bob.get(f"/library/variants/{variant}"))
    assert found["Acme PLA Red"] == ("The file does not say how much it takes.", "Unknown")
    assert found["Known so far"][1] == "–"


def test_a_rate_of_nothing_is_nothing_and_not_unset(adam, bob, variant) -> None:
    set_rates(adam, machine_per_hour="0")
    assert lines(bob.get(f"/library/variants/{variant}"))["Machine"][1] == "€0.00"


class TestRates:
    def test_they_come_back_as_they_were_typed(self, adam, alice) -> None:
        set_rates(adam, electricity_per_kwh="0.2899")
        form = offered(alice.get("/shop"), "main form")
        assert {name: form[name] for name in RATES} == {
            **RATES,
            "electricity_per_kwh": "0.2899",
            "machine_per_hour": "0.50",
            "labour_per_hour": "30.00",
        }
        set_rates(adam, **dict.fromkeys(RATES, ""))
        form = offered(alice.get("/shop"), "main form")
        assert {form[name] for name in RATES} == {""}

    @pytest.mark.parametrize(
        ("field", "typed"),
        [
            ("electricity_per_kwh", "0,32"),
            ("electricity_per_kwh", "-1"),
            ("electricity_per_kwh", "0.12345"),
            ("electricity_per_kwh", "NaN"),
            ("electricity_per_kwh", "1e99"),
            ("machine_per_hour", "1000001"),
            ("printer_power_w", "1.5"),
            ("printer_power_w", "-5"),
            ("labour_minutes_per_print", "999999"),
            ("labour_per_hour", "x"),
        ],
    )
    def test_what_is_no_rate_comes_back_with_a_sentence(self, field, typed, adam) -> None:
        form = {**offered(adam.get("/shop"), "main form"), **RATES, field: typed}
        answer = adam.post("/shop", form)
        assert answer.status == 422
        assert answer.one(f"#{field}")["value"] == typed
        assert answer.one(f"#{field}-error").get_text(strip=True)

    def test_an_operator_may_not(self, olga) -> None:
        assert olga.get("/shop").status == 403
        assert olga.post("/shop", RATES).status == 403


SHOP = Shop(
    currency="EUR", electricity_per_kwh=Decimal("0.3"), printer_power_w=100, machine_per_hour=Decimal(1),
    labour_per_hour=Decimal(20), labour_minutes_per_print=3,
)  # fmt: skip


@given(
    weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=6),
    price=st.decimals(0, 10, places=4),
    seconds=st.integers(0, 10**6),
)
def test_the_lines_always_add_up(app_for_laws, weights, price, seconds) -> None:
    filament = Filament(id=uuid4(), brand="B", material="PLA", colour_name="C", cost_per_gram=price)
    plate = Plate(duration_s=seconds)
    plate.__dict__["requirements"] = [
        FilamentRequirement(slot=slot, filament_id=filament.id, total_mg=mg) for slot, mg in enumerate(weights, 1)
    ]
    with app_for_laws.test_request_context():
        costs = costs_of([plate], {filament.id: filament}, SHOP)
    assert costs.total_minor == sum(line.minor for line in costs.lines)
    assert all(line.minor >= 0 for line in costs.lines)
    exact = Decimal(sum(weights)) / 1000 * price * 100
    assert abs(costs.lines[0].minor - exact) <= Decimal("0.5")


@pytest.fixture(scope="module")
def app_for_laws():
    from flask import Flask

    return Flask("laws")
