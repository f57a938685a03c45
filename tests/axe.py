"""axe-core in a page of the tests' browser: where the page breaks the Web Content Accessibility Guidelines 2.1, levels A and AA."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
GRAVE = ("serious", "critical")

# emotion's class names change with every release of Streamlit, so an element is told by which of our selectors it matches
IN_THE_PAGE = """async ([rules, selectors]) => {
    const options = {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]};
    const told = (rule, node) => {
        const path = node.target.flat();  // of an element inside a component: the component's, then its own
        const element = path.reduce((root, selector) => (root.shadowRoot ?? root).querySelector(selector), document);
        const matches = selectors.filter(selector => element.matches(selector));
        return {rule, impact: node.impact, selector: node.target.join(" "), html: node.html, why: node.failureSummary, matches};
    };
    return (await axe.run(document, options)).violations.flatMap(broken => broken.nodes.map(node => told(broken.id, node)));
}"""


@dataclass(frozen=True)
class Finding:
    """One element that breaks one rule, and those of the selectors asked for that it matches."""

    rule: str
    impact: str
    selector: str
    html: str
    why: str
    matches: list[str]

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}): {self.why.splitlines()[-1].strip()}\n    {self.html[:160]}\n    {self.selector}"


@cache
def script() -> str:
    """axe-core as it is published. Only here is its package needed, so that every other test runs without it."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def findings(page: Page, selectors: Sequence[str] = ()) -> list[Finding]:
    """What is grave in the page as it stands there; texts on charts and in tables drawn on a canvas are beyond axe."""
    page.evaluate(script())
    found = [Finding(**told) for told in page.evaluate(IN_THE_PAGE, [RULES, list(selectors)])]
    return [one for one in found if one.impact in GRAVE]
