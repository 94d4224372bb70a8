"""The pages in a real browser."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from chromium import Tab

from backend.catalog.images import put_image
from backend.catalog.products import ProductData, delete_product, put_product
from backend.database.connection import Database
from backend.recommend.rules import delete_rule
from tests.pictures import jpeg

PAGES = [
    "/",
    "/c/Shop",
    "/c/Shop/Wool%20Coat",
    "/p/P01",
    "/p/P05",
    "/p/P07",
    "/p/P01?w_text=0&w_image=0",
    "/p/P01?said=fits",
    "/you",
    "/you?forgotten=1",
    "/admin/people",
    f"/admin/people?user={'a-person-of-a-very-long-key' * 6}",
    "/admin/people?user=nobody",
    "/admin/people?events=1&reviews=0",
    "/search",
    "/search?q=red+shirt",
    "/search?q=red+shirt&in=Shop&brand=Atelier+Nord&price=10-5000&stock=1",
    "/search?q=absent&stock=1",
    "/admin",
    "/admin/new",
    "/admin/products",
    "/admin/products/P01",
    "/admin/products/P01/delete",
    "/admin/rules",
    "/admin/rules/new",
    f"/admin/rules/{'with-a-very-long-name' * 4}/edit",
    f"/admin/rules/{'with-a-very-long-name' * 4}/delete",
    "/admin/rules/pin/edit",
    "/admin/retrieval",
    "/admin/spaces",
    "/admin/spaces/new",
    "/admin/spaces/new?recipe=",
    "/admin/spaces/compare",
    "/admin/spaces/default/drop",
]

RESULTS = """[...document.querySelectorAll('#alike-found [data-sku]')]
    .map(item => item.dataset.sku + ' ' + item.querySelector('.score strong').textContent)"""

# Elements that stick out of the window to the right, other than those that are hidden or inside one that scrolls.
OVERFLOW = """document.documentElement.scrollWidth > innerWidth
    ? [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.tagName + '.' + e.getAttribute('class')) : []"""

# WCAG 2.2: 1.4.3 contrast of text, measured against the nearest ground that is painted.
LOW_CONTRAST = """(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = c => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  const low = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest('svg, .unseen, .skip, option')) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const need = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const [a, b] = [luminance(rgba(style.color)), luminance(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < need) low.add(e.tagName + '.' + e.getAttribute('class') + ' ' + ratio.toFixed(2));
  }
  return [...low];
})()"""

UNNAMED = """[...document.querySelectorAll('input:not([type=hidden]), textarea, select, button, a[href]')]
    .filter(e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.outerHTML)"""


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, False), (1440, True)])
def test_every_page_fits_reads_well_and_stays_at_home(
    tab: Tab, address: str, width: int, dark: bool, subtests: pytest.Subtests
) -> None:
    tab.resize(width, 844, phone=width < 600, dark=dark)
    for path in PAGES:
        with subtests.test(path=path):
            tab.visit(address + path)
            assert tab.evaluate(OVERFLOW) == []
            assert tab.evaluate(LOW_CONTRAST) == []
            assert tab.evaluate(UNNAMED) == []
            assert tab.evaluate("document.querySelectorAll('h1').length") == 1
            assert tab.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).length") == 0
            # The browser draws the calendar of a date's field from a data: address of its own.
            requested = [url for url in tab.requested() if not url.startswith("data:image/svg+xml")]
            assert {urlsplit(url).netloc for url in requested} == {urlsplit(address).netloc}
            assert tab.problems() == []


def test_error_page_fits_too(tab: Tab, address: str) -> None:
    tab.resize(390, 844, phone=True)
    tab.visit(address + "/nowhere/" + "x" * 200)
    assert tab.evaluate(OVERFLOW) == []
    assert tab.evaluate("document.querySelector('h1').textContent") == "This shelf is empty"


def test_a_slider_moved_by_keys_changes_results_and_scores_without_a_reload(tab: Tab, address: str) -> None:
    tab.visit(f"{address}/p/P01")
    tab.evaluate("window.stayed = true; document.querySelector('#w_text').focus()")
    before = tab.evaluate(RESULTS)
    assert len(before) == 12
    tab.press("Home", 36)
    tab.wait_until("document.querySelector('output[for=w_text]').textContent === '0.00'")
    tab.wait_until("location.search.includes('w_text=0&') && document.querySelector('#alike-status').textContent")
    by_looks = tab.evaluate(RESULTS)
    assert by_looks != before
    assert all(item.split()[1] < "0.501" for item in by_looks)
    assert tab.evaluate("document.querySelectorAll('#alike-found rect.text').length") == 0
    tab.press("End", 35)
    tab.evaluate("document.querySelector('#w_image').focus()")
    tab.press("Home", 36)
    tab.wait_until(
        "!document.querySelectorAll('#alike-found rect.image').length && location.search.includes('w_text=1')"
    )
    by_words = tab.evaluate(RESULTS)
    assert {item.split()[0] for item in by_words} != {item.split()[0] for item in by_looks}
    # Enter on a slider sends the form, which the script answers in place.
    answered = "performance.getEntriesByType('resource').filter(e => e.name.includes('/similar?')).length"
    before_enter = tab.evaluate(answered)
    tab.evaluate("document.querySelector('.wishes').requestSubmit()")
    tab.wait_until(f"{answered} > {before_enter} && !document.querySelector('#alike-found').hasAttribute('aria-busy')")
    assert tab.evaluate("window.stayed")
    assert "best score" in tab.evaluate("document.querySelector('#alike-status[role=status]').textContent")
    tab.visit(tab.evaluate("location.href"))
    assert tab.evaluate(RESULTS) == by_words
    assert tab.problems() == []


def test_a_slider_on_its_way_asks_once(tab: Tab, address: str) -> None:
    tab.visit(f"{address}/p/P01")
    # In one turn of the page, so that a slow machine cannot spread the eight steps over several questions.
    tab.evaluate(
        """const slider = document.querySelector('#w_image');
        for (let step = 1; step <= 8; step++) {
            slider.stepDown();
            slider.dispatchEvent(new Event('input', {bubbles: true}));
        }"""
    )
    tab.wait_until("document.querySelector('#alike-status').textContent")
    assert tab.evaluate("document.querySelector('#w_image').value") == "0.1"
    [asked] = [url for url in tab.requested() if "/similar?" in url]
    assert "w_image=0.1" in asked


def test_boxes_filter_at_once(tab: Tab, address: str) -> None:
    tab.visit(f"{address}/p/P01")
    tab.evaluate("document.querySelector('[name=same_category]').click()")
    tab.wait_until("document.querySelectorAll('#alike-found [data-sku]').length === 4")
    tab.evaluate("document.querySelector('[name=in_stock]').click()")
    tab.wait_until("document.querySelectorAll('#alike-found [data-sku]').length === 3")
    assert tab.evaluate("document.querySelectorAll('#alike-found .sold-out').length") == 0


def test_both_sliders_at_0_ask_for_one_of_them(tab: Tab, address: str) -> None:
    tab.visit(f"{address}/p/P01")
    for slider in ("w_text", "w_image"):
        tab.evaluate(f"document.querySelector('#{slider}').focus()")
        tab.press("Home", 36)
    tab.wait_until("document.querySelector('#alike-found').textContent.includes('Move one of the sliders')")
    assert tab.problems() == []


@pytest.fixture
def added(database: Database) -> Iterator[str]:
    """The sku of a product that nobody has embedded yet."""
    put_product(database, "NEW", ProductData("violet linen shirt", category="Shop/Linen Shirt"))
    put_image(database, "NEW", jpeg(0x8040C0, 400))
    yield "NEW"
    delete_product(database, "NEW")


def test_a_new_product_shows_what_is_like_it_as_soon_as_it_is_embedded(
    tab: Tab, address: str, added: str, drain: Callable[[], int]
) -> None:
    tab.visit(f"{address}/p/{added}")
    assert "Being embedded" in tab.evaluate("document.querySelector('#alike-found').textContent")
    tab.evaluate("window.stayed = true")
    drain()
    tab.wait_until("document.querySelectorAll('#alike-found [data-sku]').length === 12")
    assert tab.evaluate("window.stayed")


def test_the_admin_form_says_when_the_product_can_be_recommended(
    tab: Tab, address: str, added: str, drain: Callable[[], int]
) -> None:
    tab.visit(f"{address}/admin/products/{added}")
    # A real browser says where the form comes from.
    tab.evaluate(
        "document.querySelector('#f-brand').value = 'Maison'; document.querySelector('.sheet').requestSubmit()"
    )
    tab.wait_until("location.search === '?saved=1' && document.readyState === 'complete'")
    assert "Being embedded" in tab.evaluate("document.querySelector('#embedding').textContent")
    drain()
    tab.wait_until("document.querySelector('#embedding').textContent.includes('Recommendable')")
    assert tab.evaluate("document.querySelector('#f-brand').value") == "Maison"


def test_the_rule_form_counts_as_it_is_filled_and_shows_what_the_action_takes(
    tab: Tab, address: str, database: Database
) -> None:
    tab.visit(f"{address}/admin/rules/new")
    tab.evaluate("window.stayed = true")
    assert "No products are named yet" in tab.evaluate("document.querySelector('#aim').textContent")
    tab.evaluate("""(() => {
        document.querySelector('#f-name').value = 'coats';
        const field = document.querySelector('#f-category');
        field.value = 'Shop/Wool Coat';
        field.dispatchEvent(new Event('input', {bubbles: true}));
    })()""")
    tab.wait_until("document.querySelector('#aim').textContent.includes('5 products of 30 match')")
    assert tab.evaluate("document.querySelector('#aim-status').textContent") == "5 products of 30"
    shown = "document.querySelector('#f-{}').checkVisibility()"
    assert [tab.evaluate(shown.format(name)) for name in ("amount", "category", "sku")] == [True, True, False]
    tab.evaluate("document.querySelector('[value=hide]').click()")
    assert [tab.evaluate(shown.format(name)) for name in ("amount", "category", "sku")] == [False, True, False]
    tab.evaluate("document.querySelector('[value=pin]').click()")
    assert [tab.evaluate(shown.format(name)) for name in ("amount", "category", "sku")] == [False, False, True]
    tab.wait_until("document.querySelector('#aim').textContent.includes('No product is named yet')")
    assert tab.evaluate("window.stayed && location.search") == ""
    tab.evaluate("document.querySelector('[value=hide]').click(); document.querySelector('[name=enabled]').click()")
    tab.evaluate("document.querySelector('.sheet').requestSubmit()")
    tab.wait_until("location.search === '?saved=1' && document.readyState === 'complete'")
    assert tab.evaluate("document.querySelector('h1').textContent") == "coats disabled"
    delete_rule(database, "coats")
    assert tab.problems() == []


def test_without_scripts_the_sliders_work_by_a_button(tab: Tab, address: str) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.visit(f"{address}/p/P01")
    assert tab.evaluate("document.querySelector('.wishes button').checkVisibility()")
    before = tab.evaluate(RESULTS)
    tab.evaluate("document.querySelector('#w_text').value = 0; document.querySelector('.wishes').requestSubmit()")
    tab.wait_until("location.search.includes('w_text=0') && document.readyState === 'complete'")
    after = tab.evaluate(RESULTS)
    assert after != before
    assert all(item.split()[1] < "0.501" for item in after)


def test_a_visitor_likes_a_product_reads_why_others_are_recommended_and_is_forgotten(tab: Tab, address: str) -> None:
    tab.visit(address)
    tab.visit(f"{address}/p/P02")
    tab.evaluate("document.querySelector('.like button').click()")
    tab.wait_until("document.querySelector('.like [aria-pressed=true]')?.textContent.includes('You like this')")
    tab.visit(f"{address}/you")
    title = tab.evaluate("document.querySelector('#past ~ .variants a').title")
    whys = tab.evaluate("[...document.querySelectorAll('.why')].map(e => e.textContent.trim())")
    assert len(whys) > 5
    assert any(why.startswith("because you liked") and title in why for why in whys)
    tab.evaluate("[...document.querySelectorAll('button')].find(b => b.textContent === 'Forget me').click()")
    tab.wait_until("location.search === '?forgotten=1' && document.readyState === 'complete'")
    assert tab.evaluate("!!document.querySelector('.notice[role=status]')")
    assert tab.evaluate("document.querySelector('#past')") is None
    tab.visit(f"{address}/p/P02")
    assert tab.evaluate("document.querySelector('.like button').getAttribute('aria-pressed')") == "false"
    assert tab.problems() == []
