"""The search page in a real browser: a photograph from the visitor's disk, with scripts and without."""

from pathlib import Path

import pytest
from chromium import Tab
from test_web_pages import LOW_CONTRAST, OVERFLOW, UNNAMED

from tests.pictures import jpeg

FOUND = "[...document.querySelectorAll('.grid h3 a')].map(a => a.pathname.split('/')[2])"
READY = "document.readyState === 'complete' && !!document.querySelector('[name=looks]')"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph of the red shirt's colour."""
    path = tmp_path / "mine.jpg"
    path.write_bytes(jpeg(0xD03020 + 1, 200))
    return path


def choose(tab: Tab, photo: Path) -> None:
    """Put the file into the form and send it."""
    document = tab.send("DOM.getDocument")["root"]["nodeId"]
    field = tab.send("DOM.querySelector", nodeId=document, selector="#ask-photo")["nodeId"]
    tab.send("DOM.setFileInputFiles", nodeId=field, files=[str(photo)])
    tab.evaluate("document.querySelector('.ask').requestSubmit()")
    tab.wait_until(READY)


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, False), (1440, True)])
def test_the_page_of_a_photograph_fits_and_reads_well(
    tab: Tab, address: str, photo: Path, width: int, dark: bool
) -> None:
    tab.resize(width, 844, phone=width < 600, dark=dark)
    tab.visit(f"{address}/search?q=shirt")
    tab.evaluate("document.querySelector('.asking').open = true")
    choose(tab, photo)
    assert tab.evaluate(FOUND)[0] == "P01"
    for expression in (OVERFLOW, LOW_CONTRAST, UNNAMED):
        assert tab.evaluate(expression) == []
    tab.evaluate("document.querySelector('.narrow details').open = true")
    for expression in (OVERFLOW, LOW_CONTRAST):
        assert tab.evaluate(expression) == []
    assert tab.problems() == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_photograph_is_narrowed_and_widened_by_buttons(tab: Tab, address: str, photo: Path, scripts: bool) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=not scripts)
    tab.visit(f"{address}/search")
    choose(tab, photo)
    assert len(tab.evaluate(FOUND)) == 24
    looks = tab.evaluate("document.querySelector('[name=looks]').value")
    tab.evaluate("[...document.querySelectorAll('.narrow button')].find(b => b.value.includes('stock=1')).click()")
    tab.wait_until(f"{READY} && !!document.querySelector('.taken')")
    assert tab.evaluate("document.querySelectorAll('.grid .sold-out').length") == 0
    assert len(tab.evaluate(FOUND)) == 24
    assert tab.evaluate("document.querySelector('[name=looks]').value") == looks
    tab.evaluate("document.querySelector('.taken button').click()")
    tab.wait_until(f"{READY} && !document.querySelector('.taken')")
    assert tab.problems() == []


def test_the_facets_stand_beside_the_results_on_a_desk_and_fold_on_a_phone(tab: Tab, address: str) -> None:
    seen = "document.querySelector('.narrow ul a').checkVisibility()"
    tab.visit(f"{address}/search?q=shirt")
    assert tab.evaluate(seen)
    beside = "document.querySelector('.narrow').getBoundingClientRect().right"
    assert tab.evaluate(f"{beside} < document.querySelector('.grid').getBoundingClientRect().left")
    tab.resize(390, 844, phone=True)
    tab.wait_until(f"!{seen}")
    tab.evaluate("document.querySelector('.narrow summary').click()")
    tab.wait_until(seen)


def test_the_camera_leads_to_the_photograph_s_field(tab: Tab, address: str) -> None:
    for page in ("/", "/search?q=shirt"):
        tab.visit(address + page)
        tab.evaluate("document.querySelector('.by-photo').click()")
        tab.wait_until("document.readyState === 'complete' && document.querySelector('#ask-photo')?.checkVisibility()")
