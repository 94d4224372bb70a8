"""The pages of spaces, and a shadow on trial, in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from chromium import Tab
from test_web_pages import LOW_CONTRAST, OVERFLOW, RESULTS, UNNAMED

from backend.database.connection import Database
from backend.spaces.dropping import drop_space
from backend.spaces.models import SpaceModel, store_models
from backend.spaces.plans import cancel_plan, request_plan
from backend.spaces.recipe import Recipe
from backend.spaces.space import insert_space

OTHER = Recipe(
    text="hashing:32",
    image="hashing:32",
    text_inputs=("title", "title+description:300"),
    text_weight=0.9,
    image_weight=0.1,
)
FITTED = Recipe(text="hashing:64", image=None, text_projection="pca:16", text_weight=1, image_weight=0)


@pytest.fixture
def building(database: Database) -> Iterator[str]:
    """A space that nobody fills yet, with what was fitted for it, and two plans."""
    report = {"products": 30, "held_out": {"P@5": 0.95031, "words" * 12: "value" * 20}, "seconds": 1.5}
    with database.write() as connection:
        space_id = insert_space(connection, "next", OTHER)
        store_models(connection, space_id, [SpaceModel("text", "projection", "learned", b"x" * 99, 64, 64, report)])
    for plan in ("waiting", "broken"):
        request_plan(database, plan, FITTED)
    with database.write() as connection:
        connection.execute(
            "UPDATE shelfmate.space_plans SET state = 'failed', error = %s WHERE name = 'broken'", ["why" * 99]
        )
    yield "next"
    cancel_plan(database, "waiting")
    cancel_plan(database, "broken")
    drop_space(database, "next")


@pytest.fixture
def shadow(database: Database, drain: Callable[[], int]) -> Iterator[str]:
    """A space that is filled."""
    with database.write() as connection:
        insert_space(connection, "next", OTHER)
    drain()
    yield "next"
    drop_space(database, "next")


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1200, False)])
def test_the_pages_fit_and_read_well_while_a_space_is_filled(
    tab: Tab, address: str, building: str, width: int, dark: bool, subtests: pytest.Subtests
) -> None:
    tab.resize(width, 844, phone=width < 600, dark=dark)
    for path in ("/admin/spaces", f"/admin/spaces/{building}/drop", "/admin/spaces/new?recipe=", "/admin"):
        with subtests.test(path=path):
            tab.visit(address + path)
            assert tab.evaluate(OVERFLOW) == []
            assert tab.evaluate(LOW_CONTRAST) == []
            assert tab.evaluate(UNNAMED) == []
            assert tab.problems() == []


def test_a_space_made_in_the_form_is_seen_filling_without_a_reload(
    tab: Tab, address: str, database: Database, drain: Callable[[], int]
) -> None:
    tab.visit(f"{address}/admin/spaces/new")
    tab.evaluate("""(() => {
        document.querySelector('#f-name').value = 'made';
        document.querySelector('[name=recipe][value=""]').click();
        document.querySelector('.parts').open = true;
        document.querySelector('#f-text').value = 'hashing:32';
        document.querySelector('.sheet').requestSubmit();
    })()""")
    tab.wait_until("location.search.includes('done=made') && document.readyState === 'complete'")
    tab.evaluate("window.stayed = true")
    assert "0 of 30 embedded" in tab.evaluate("document.querySelector('#space-made').textContent")
    drain()
    tab.wait_until("document.querySelector('#space-made').textContent.includes('30 of 30 embedded')")
    tab.wait_until("document.querySelector('#space-made .tag').textContent === 'shadow'")
    assert tab.evaluate("window.stayed")
    # A real browser says where the form comes from.
    tab.evaluate(
        "[...document.querySelectorAll('#space-made button')].find(b => b.textContent.startsWith('Retire')).click()"
    )
    tab.wait_until("location.search.includes('done=retired') && document.readyState === 'complete'")
    tab.evaluate("[...document.querySelectorAll('#space-made a')].find(a => a.textContent.startsWith('Drop')).click()")
    tab.wait_until("location.pathname.endsWith('/drop') && document.readyState === 'complete'")
    tab.evaluate("document.querySelector('.button.danger').click()")
    tab.wait_until("location.search.includes('done=dropped') && document.readyState === 'complete'")
    assert tab.evaluate("document.querySelector('#space-made')") is None
    assert tab.problems() == []


def test_two_spaces_are_compared(tab: Tab, address: str, shadow: str) -> None:
    tab.resize(400, 844, phone=True)
    tab.visit(f"{address}/admin/spaces/compare?with={shadow}")
    assert tab.evaluate("document.querySelector('#f-b').value") == shadow
    tab.evaluate("document.querySelector('#f-sample').value = 3; document.querySelector('.compare').requestSubmit()")
    tab.wait_until("document.querySelector('.compared') && document.readyState === 'complete'")
    assert tab.evaluate("document.querySelector('h1').textContent") == f"default and {shadow}"
    for check in (OVERFLOW, LOW_CONTRAST, UNNAMED):
        assert tab.evaluate(check) == []
    assert tab.problems() == []


def test_the_sliders_stay_with_the_shadow_on_trial(tab: Tab, address: str, shadow: str) -> None:
    tab.visit(f"{address}/p/P01?space={shadow}")
    assert shadow in tab.evaluate("document.querySelector('.trial').textContent")
    before = tab.evaluate(RESULTS)
    tab.evaluate("document.querySelector('#w_text').focus()")
    tab.press("Home", 36)
    tab.wait_until(f"location.search.includes('space={shadow}') && location.search.includes('w_text=0&')")
    tab.wait_until("document.querySelector('#alike-status').textContent")
    assert tab.evaluate(RESULTS) != before
    assert f"space {shadow}" in tab.evaluate("document.querySelector('#alike-found').textContent")
    tab.evaluate("document.querySelector('.trial a').click()")
    tab.wait_until("!document.querySelector('.trial') && document.readyState === 'complete'")
    assert "space default" in tab.evaluate("document.querySelector('#alike-found').textContent")
    assert tab.problems() == []
