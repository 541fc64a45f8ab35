"""On a local disk the direct way does not exist: the script is told to send files through the app."""

from tests.support.uploads import JSON


def test_the_script_is_told_to_use_the_form(olga) -> None:
    answer = olga.post("/files/uploads/direct", json={"name": "x.3mf", "size": 10, "type": ""}, headers=JSON)
    assert (answer.status, answer.json) == (200, {"put_url": None})
    assert "data-direct-url" not in olga.get("/files/").one("form[data-upload]").attrs
