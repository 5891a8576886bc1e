"""The map's page in a real browser: what is clicked, typed, dragged and shown; no network."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penchant as pt

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\">"
PATIENCE = 60.0  # seconds until a browser that does not answer counts as broken
GET_ONE = "needs Chromium: apt-get install chromium, or your system's package"


class Browser:
    """Chromium on a pipe: the DevTools protocol as JSON between zero bytes."""

    def __init__(self, program: str, profile: Path) -> None:
        ours, theirs = self._pipes()
        self._to, self._from = ours

        def connect() -> None:
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self._process = subprocess.Popen(
            [
                program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-sync", "--disable-background-networking",
                "--disable-component-update", f"--user-data-dir={profile}",
                "--remote-debugging-pipe",
            ],
            pass_fds=(3, 4), preexec_fn=connect,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in theirs:
            os.close(end)
        self._rest, self._numbers = b"", itertools.count(1)
        self.events: list[dict[str, Any]] = []

    @staticmethod
    def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
        """Our ends and the browser's, none of them where the browser wants its own."""
        pairs = os.pipe(), os.pipe()
        high = [[fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pair] for pair in pairs]
        for end in itertools.chain(*pairs):
            os.close(end)
        return (high[0][1], high[1][0]), (high[0][0], high[1][1])

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._next(deadline)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            left = max(deadline - time.monotonic(), 0)
            assert select.select([self._from], [], [], left)[0], "the browser does not answer"
            part = os.read(self._from, 1 << 16)
            assert part, "the browser ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return dict(json.loads(message))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)


class Page:
    """One open page, with hands."""

    def __init__(self, browser: Browser, url: str, width: int, height: int, scheme: str) -> None:
        self._browser = browser
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")
        self.settle()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.ask(method, self._session, **params)

    def js(self, expression: str) -> Any:
        answer = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.js(condition):
            assert time.monotonic() < deadline, f"never true: {condition}"
            time.sleep(0.02)

    def settle(self) -> None:
        """Wait until what was asked for is painted."""
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.ask("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        self.mouse("Moved", x, y)
        self.mouse("Pressed", x, y, button="left", clickCount=1)
        self.mouse("Released", x, y, button="left", clickCount=1)
        self.settle()

    def click_on(self, selector: str) -> None:
        quoted = json.dumps(selector)
        box = self.js(
            f"(b => [b.x + b.width / 2, b.y + b.height / 2])"
            f"(document.querySelector({quoted}).getBoundingClientRect())"
        )
        self.click(*box)

    def press(self, key: str) -> None:
        code = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowLeft": 37}.get(key)
        more = {"windowsVirtualKeyCode": code} if code else {}
        text = {"text": "\r"} if key == "Enter" else {} if code else {"text": key}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **more, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **more)
        self.settle()

    def write(self, words: str) -> None:
        self.ask("Input.insertText", text=words)
        self.settle()

    def text(self, selector: str) -> str | None:
        found = self.js(f"document.querySelector({json.dumps(selector)})?.textContent")
        return None if found is None else str(found)

    def texts(self, selector: str) -> list[str]:
        return list(
            self.js(
                f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)"
            )
        )

    def events(self, method: str) -> list[dict[str, Any]]:
        happened = self._browser.events
        mine = [one for one in happened if one.get("sessionId") == self._session]
        return [one["params"] for one in mine if one["method"] == method]

    def complaints(self) -> list[dict[str, Any]]:
        return self.events("Runtime.exceptionThrown") + self.events("Log.entryAdded")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    names = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    for program in filter(None, names):  # a name may be a stub that only says what to install
        if subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0:
            running = Browser(program, tmp_path_factory.mktemp("profile"))
            yield running
            running.close()
            return
    pytest.skip(GET_ONE)


@pytest.fixture(scope="module")
def model() -> pt.Model:
    """120 films of three genres; "Star Harbour" is the most liked, one title is hostile."""
    rng = np.random.default_rng(3)
    taste, film = rng.normal(size=(150, 3)), rng.normal(size=(120, 3))
    rows = [(user, 1) for user in range(150)]
    for user in range(150):
        chance = np.exp(taste[user] @ film[1:].T) / np.arange(2, 121)
        liked = rng.choice(119, size=12, replace=False, p=chance / chance.sum())
        rows += [(user, int(item) + 2) for item in liked]
    titles = ["Star Harbour", "Starling", HOSTILE, *(f"Film number {i}" for i in range(3, 120))]
    facts = {
        "id": list(range(1, 121)),
        "title": titles,
        "year": [1950 + i % 50 for i in range(120)],
        "genres": [("Drama|Crime", "Comedy", "Horror")[i % 3] for i in range(120)],
    }
    return pt.ItemKNN(k=30).fit(pt.read(rows, items=facts, kind="likes"))


@pytest.fixture(scope="module")
def url(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "map.html"
    pt.embedding_map(model).to_html(path)
    return path.as_uri()


@pytest.fixture
def opened(browser, url):
    """Open the page; whatever a test does to it, nothing may be thrown or complained about."""
    pages = []

    def open_it(
        hash_: str = "", *, width: int = 1200, height: int = 800, scheme: str = "light"
    ) -> Page:
        pages.append(Page(browser, url + hash_, width, height, scheme))
        return pages[-1]

    yield open_it
    for page in pages:
        assert page.complaints() == []


def _place(page: Page, item: str) -> tuple[float, float]:
    x, y = page.js(f"place({item})")
    return x, y


def test_the_hash_chooses_an_item(opened, model):
    """A link to an item opens with its facts and its neighbours in the model's own order."""
    page = opened("#item=1")
    near = model.similar(1, n=10)
    assert page.text("h2") == "Star Harbour"
    assert page.text("#about p") == "1950 · Drama, Crime · liked by 150"
    assert page.texts("#near button span:first-child") == list(near.titles)
    assert page.texts("#near .score") == [f"{score:.2f}" for _, score in near]


def test_a_changed_hash_and_closing_keep_page_and_address_in_step(opened):
    page = opened()
    assert page.js("document.querySelector('#about').hidden")
    page.js("location.hash = '#item=2'")
    page.until("document.querySelector('h2')?.textContent === 'Starling'")
    page.click_on("#close")
    assert page.js("document.querySelector('#about').hidden")
    assert page.js("location.hash") == ""
    page.js("location.hash = '#item=no such item'")
    page.settle()
    assert page.js("document.querySelector('#about').hidden")


def test_search_with_the_keyboard_alone(opened):
    """Two letters list titles, the most liked first; Enter chooses; Tab leads to neighbours."""
    page = opened()
    page.js("document.querySelector('#words').focus()")
    page.write("s")
    assert page.texts("#found button") == []
    page.write("tar")
    assert page.texts("#found button span:first-child")[:2] == ["Star Harbour", "Starling"]
    page.press("ArrowDown")
    page.press("ArrowDown")
    page.press("Enter")
    assert page.text("h2") == "Starling"
    assert page.js("document.activeElement.tagName") == "H2"
    page.press("Tab")
    first = page.text("#near button span")
    page.press("Enter")
    assert page.text("h2") == first != "Starling"
    page.press("Escape")
    assert page.js("document.querySelector('#about').hidden")
    assert page.js("document.activeElement.id") == "map"


def test_a_dot_can_be_pointed_at_and_clicked(opened):
    page = opened()
    x, y = _place(page, "byPopularity[0]")
    page.mouse("Moved", x, y)
    assert page.text("#tip") == "Star Harbour"
    assert not page.js("document.querySelector('#tip').hidden")
    page.mouse("Moved", 60, 40)  # onto the search field
    assert page.js("document.querySelector('#tip').hidden")
    page.click(x, y)
    assert page.text("h2") == "Star Harbour"
    assert page.js("location.hash") == "#item=1"


def test_dragging_moves_and_the_wheel_zooms_about_the_pointer(opened):
    page = opened()
    x, y = map(round, _place(page, "0"))
    before = _place(page, "7")
    page.mouse("Moved", x, y)
    page.mouse("Pressed", x, y, button="left", clickCount=1)
    page.mouse("Moved", x + 50, y + 30, button="left", buttons=1)
    page.mouse("Released", x + 50, y + 30, button="left", clickCount=1)
    assert _place(page, "7") == pytest.approx((before[0] + 50, before[1] + 30))
    assert page.js("document.querySelector('#about').hidden"), "a drag by a dot is no click"
    x, y = _place(page, "7")
    before = page.js("view.scale")
    page.mouse("Wheel", x, y, deltaX=0, deltaY=-300)
    page.until(f"view.scale > {before}")
    assert _place(page, "7") == pytest.approx((x, y), abs=1)  # the pointer is on a whole pixel
    before = page.js("view.scale")
    page.click_on("#farther")
    assert page.js("view.scale") < before
    page.click_on("#whole")
    assert page.js("view.scale") == pytest.approx(page.js("home.scale"))


def test_the_legend_hides_groups_and_the_colouring_can_be_switched(opened):
    page = opened()
    assert set(page.texts("#legend button")) == {"Drama", "Comedy", "Horror"}
    x, y = _place(page, "0")  # a drama
    page.js("[...document.querySelectorAll('#legend button')].find(b => "
            "b.textContent === 'Drama').click()")  # fmt: skip
    page.mouse("Moved", x, y)
    assert page.text("#tip") != "Star Harbour"
    page.js("{ const s = document.querySelector('#colouring'); s.value = 'popularity';"
            "s.dispatchEvent(new Event('change')); }")  # fmt: skip
    assert page.texts("#legend button") == ["most liked third", "middle third", "long tail"]
    page.mouse("Moved", x + 2, y)
    assert page.text("#tip") == "Star Harbour"


def test_hostile_titles_are_text_wherever_they_appear(opened):
    page = opened("#item=3")
    assert page.text("h2") == HOSTILE
    page.js("document.querySelector('#words').focus()")
    page.write("onerror")
    assert page.texts("#found button span:first-child") == [HOSTILE]
    x, y = _place(page, "data.ids.indexOf('3')")
    page.mouse("Moved", x, y)
    assert page.text("#tip") == HOSTILE
    assert page.js("document.images.length") == 0
    assert page.js("document.title") == "Penchant: map of the catalogue"


def test_the_page_asks_for_itself_alone_and_may_ask_for_nothing_else(opened, browser, url):
    page = opened("#item=1")
    asked = {event["request"]["url"] for event in page.events("Network.requestWillBeSent")}
    assert asked == {url}
    alone = Page(browser, url, 800, 600, "light")  # not `opened`: the refusal is complained about
    refused = "fetch('data:,x').then(() => 'answered', () => 'refused')"
    assert alone.js(refused) == "refused"


def test_a_narrow_window_shows_everything(opened):
    """At 320 pixels nothing sticks out, and the chosen dot is not under the panel."""
    page = opened(width=320, height=640)
    assert page.js("document.documentElement.scrollWidth") == 320
    inside = "(b => b.left >= 0 && b.right <= innerWidth && b.bottom <= innerHeight)"
    for box in ("#find", "#foot", "#zoom"):
        assert page.js(f"{inside}(document.querySelector('{box}').getBoundingClientRect())")
    page.js("location.hash = '#item=1'")
    page.until("!document.querySelector('#about').hidden")
    page.settle()
    assert page.js("document.elementFromPoint(...place(chosen)).id") == "map"
    assert page.js(f"{inside}(document.querySelector('#about').getBoundingClientRect())")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dots_are_drawn_on_the_paper_of_the_scheme(opened, scheme):
    page = opened(scheme=scheme)
    brightness = page.js(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)"
        ".reduce((a, b) => a + Number(b), 0) / 3"
    )
    assert (brightness > 128) == (scheme == "light")
    colours = page.js(
        "(p => { const s = new Set(); for (let i = 0; i < p.length; i += 4)"
        " s.add(p[i] << 16 | p[i + 1] << 8 | p[i + 2]); return s.size; })"
        "(ink.getImageData(0, 0, canvas.width, canvas.height).data)"
    )
    assert colours > 100
